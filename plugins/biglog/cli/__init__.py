"""The stages from a shell: names, columns and exit codes are a contract."""
