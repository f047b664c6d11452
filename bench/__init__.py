"""Side-by-side measurements: Argosy and its peers in one run, on one machine, on the same images."""
