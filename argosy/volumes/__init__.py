"""Named and anonymous volumes: directories of the store that outlive the containers which mount them."""
