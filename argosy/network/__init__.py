"""How a container reaches the network: namespaces, pasta, slirp4netns, and the files that name hosts and resolvers."""
