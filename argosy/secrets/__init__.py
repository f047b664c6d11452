"""Secret data, and how it reaches a container without becoming part of an image or of a container's record.

<root>/secrets/<id>/secret.json    Secret: everything but the data
                    <entry>        driver `file`: the data, sealed with a key that is not in the store

The name is one of the shelf's.  `sealing` has the key, `drivers` the places where data can be, `stored` the objects.
"""
