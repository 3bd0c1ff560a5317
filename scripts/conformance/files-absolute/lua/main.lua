local other = require("/etc/passwd")
