"""What `hookagent doctor` looks at: each check yields findings, whatever it finds."""
