"""The ledger's acts as plain SQL views: who was asked for what, and which ids came back."""

VIEWS = """
CREATE TEMP VIEW done AS SELECT * FROM ledger.acts WHERE status < 400;

CREATE TEMP VIEW clock AS
SELECT value ->> '$' AS now FROM ledger.run WHERE name = 'clock';

CREATE TEMP VIEW clinician AS
SELECT says, bare(answer ->> 'clinician_id') AS id FROM done WHERE step = 'clinician';

CREATE TEMP VIEW referred AS
SELECT about AS number, 'participant ' || about AS label,
    bare(answer ->> 'episode_id') AS episode, bare(answer ->> 'participant_id') AS participant
FROM done WHERE step = 'referral';

CREATE TEMP VIEW screened AS
SELECT bare(answer ->> 'screen_id') AS screen, says FROM done WHERE step = 'screen';

CREATE TEMP VIEW answered AS
SELECT bare(substr(path, length('/intake/screens/') + 1, 36)) AS screen, step, says, body
FROM done WHERE step IN ('answers', 'completion');

CREATE TEMP VIEW decided AS
SELECT step, episode, says FROM done JOIN referred ON number = about
WHERE step IN ('recommendation', 'level');

CREATE TEMP VIEW admitted AS
SELECT referred.* FROM done JOIN referred ON number = about WHERE step = 'admission';

CREATE TEMP VIEW programme_day AS
SELECT bare(cohort.answer ->> 'cohort_id') AS cohort,
    bare(day.value ->> 'occurrence_id') AS occurrence,
    day.value ->> 'starts_at' AS starts_at,
    'group ' || about || ' on ' || (day.value ->> 'day_on') AS label
FROM done AS cohort, json_each(cohort.answer, '$.occurrences') AS day WHERE step = 'cohort';

CREATE TEMP VIEW seated AS
SELECT referred.*, bare(answer ->> 'seat_id') AS seat,
    bare(substr(path, length('/scheduling/cohorts/') + 1, 36)) AS cohort,
    answer ->> 'first_starts_at' AS first_starts_at
FROM done JOIN referred ON number = about WHERE step = 'seat';

CREATE TEMP VIEW seated_day AS
SELECT seated.label || ', ' || day.label AS label, participant, occurrence, day.starts_at
FROM seated JOIN programme_day AS day ON day.cohort = seated.cohort
    AND day.starts_at >= seated.first_starts_at;

CREATE TEMP VIEW opened AS
SELECT about AS number, 'group ' || about AS label, bare(answer ->> 'session_id') AS session
FROM done WHERE step = 'session';

CREATE TEMP VIEW credited AS
SELECT label, episode, participant, one.value ->> 'minutes' AS minutes
FROM done AS wrap_up, json_each(wrap_up.answer, '$.credited') AS one
    JOIN referred ON participant = bare(one.value ->> 'participant_id')
WHERE step = 'wrap_up';

CREATE TEMP VIEW given AS
SELECT 'the homework of ' || label AS label, bare(one.value ->> 'homework_id') AS homework
FROM done AS act, json_each(act.answer, '$.homework') AS one
    JOIN referred ON participant = bare(one.value ->> 'participant_id')
WHERE step = 'homework';

CREATE TEMP VIEW handed_in AS
SELECT 'the homework of participant ' || about AS label, at,
    bare(substr(path, length('/sessions/homework/') + 1, 36)) AS homework
FROM done WHERE step = 'submission';

CREATE TEMP VIEW in_danger AS
SELECT label || ' (' || (answer ->> '$.risk.trigger') || ')' AS label,
    participant || '/' || (answer ->> '$.risk.tier') || '/' || (answer ->> '$.risk.trigger') AS sign
FROM done JOIN referred ON number = about
WHERE step IN ('answers', 'check_in') AND answer ->> '$.risk.tier' IS NOT NULL;

CREATE TEMP VIEW responded AS
SELECT step, 'the case of participant ' || about AS label,
    bare(substr(path, length('/crisis/cases/') + 1, 36)) || '/' || role || ':' || person AS entry
FROM done WHERE step IN ('acknowledgement', 'contact', 'conclusion', 'follow_up');

CREATE TEMP VIEW by_hand AS
SELECT substr(path, length('/crisis/board/') + 38) AS step,
    bare(substr(path, length('/crisis/board/') + 1, 36)) || '/' || role || ':' || person AS entry
FROM ledger.pressed;

CREATE TEMP VIEW on_call AS
SELECT bare(body ->> 'clinic_id') AS clinic, rung.key + 1 AS rung, bare(one.value) AS clinician
FROM done AS rota, json_each(rota.body, '$.rungs') AS rung, json_each(rung.value) AS one
WHERE step = 'rota';

CREATE TEMP VIEW outgoing AS
SELECT message_id AS id, may_repeat FROM notifications.messages WHERE state = 'sent'
UNION ALL
SELECT key, max(may_repeat) FROM crisis.pages WHERE state = 'sent' GROUP BY key
UNION ALL
SELECT id, may_repeat FROM crisis.notices WHERE state = 'sent';
"""
