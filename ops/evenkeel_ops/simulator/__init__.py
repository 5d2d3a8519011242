"""A synthetic operator: invented staff and participants who use the services over HTTP for a day.

What they asked for is written into a ledger of their own, which is compared with the services'
databases at the end.
"""
