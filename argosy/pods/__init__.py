"""Pods: containers that share namespaces, and are started, stopped and removed together.  One use case per file.

A pod is a record (`containers.pod.PodRecord`) and, unless it was made without, an infra container that holds its
namespaces.  Its state is that of its containers, and stored nowhere.
"""
