--- The program: `fstore-lua`.
os.exit(require "fstore.host".run(arg), true)
