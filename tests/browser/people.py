"""Who is at the clinic of the plan, as the server and the browser both know them."""

from uuid import UUID

NORTH = UUID(int=0xA11)
ANN = UUID(int=0xA22)
CLINICIAN = UUID(int=0xA33)
CASE_FILE = "case"
