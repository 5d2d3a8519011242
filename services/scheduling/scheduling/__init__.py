"""Who is where and when: programmes, cohorts, seats, dated days, clinicians and licences."""
