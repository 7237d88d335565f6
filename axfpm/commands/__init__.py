"""One module per subcommand of ``axfpm``; each only parses, calls its room and prints."""
