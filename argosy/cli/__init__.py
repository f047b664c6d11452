"""The command line: one of the two faces of the engine.  Only this package prints, only `cli.main` ends the process."""
