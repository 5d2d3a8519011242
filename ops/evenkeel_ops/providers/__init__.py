"""Mail servers and a telephone company on the loopback address: they keep all, and send none on.

They are a process of their own, know nothing of the services, and fail as they are told to.
"""
