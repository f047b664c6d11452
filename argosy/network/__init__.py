"""How a container reaches the network: namespaces, pasta and slirp4netns, and the files that name hosts and resolvers."""
