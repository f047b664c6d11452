"""Named and anonymous volumes: directories of the store that outlive the containers which mount them.

<root>/volumes/<name>/volume.json    Volume, frozen at create
                      _data/         what containers mount
                      filled         the image's content was copied in, or need not be
                      special        its options say what is mounted at _data while it is used, or whose it is
                      new            the first container that mounts it becomes its owner: its image has nothing there
"""
