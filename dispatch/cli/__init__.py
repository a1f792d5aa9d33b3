"""The command `dispatch`: everything heavy is imported inside the commands, so that --help is quick."""
