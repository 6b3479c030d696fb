"""The program ``reservoir``: click commands that parse, call and print."""
