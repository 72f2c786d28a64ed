"""What the documents say is true: tables made from the code, commands, keys, examples."""
