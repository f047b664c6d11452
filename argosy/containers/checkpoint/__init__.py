"""Checkpoint and restore: a container's processes, as CRIU writes them down, and as it makes them again.

    criu        what runtime and CRIU are asked, and whether they are there
    dump        `container checkpoint`
    restore     `container restore`, of a container whose checkpoint is beside its record
    bundle      a checkpoint as a directory that can go to another host: what is in it, and what is believed of it
    types       whether a record from elsewhere has the types of ours
    carry       such a directory as an archive or an image, there and back
    take_in     a container made from such a directory
    statistics  what CRIU counted

In the container's directory, beside its record:

    checkpoint/      CRIU's images; there when they are whole
    checkpoint.new/  the same while they are written: `inventory.img` comes last
    pre-checkpoint/  memory alone, of --pre-checkpoint
    criu/            CRIU's logs and counts, with --keep or after an error
    checkpoint.json  Checkpointed
"""
