"""The case board: what people see of cases, and the buttons by which they take them."""
