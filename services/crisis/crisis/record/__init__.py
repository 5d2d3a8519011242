"""What makes the timeline proof: chained by digests, signed every minute, checked by anybody."""
