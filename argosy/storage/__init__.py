"""The store: blobs, images, layers and what containers are mounted from."""
