-- cpgbuild: contributes_to = "v_sinks", tags = ["queries"]
-- What code that others can influence should not reach. A file of your own that contributes to
-- `v_sinks` adds to it: `name` is the full name of a function, `danger` is for people.
SELECT column1 AS name, column2 AS danger FROM (VALUES
  ('builtins.eval', 'runs code'), ('builtins.exec', 'runs code'), ('builtins.compile', 'runs code'),
  ('builtins.__import__', 'runs code'), ('importlib.import_module', 'runs code'),
  ('runpy.run_path', 'runs code'), ('runpy.run_module', 'runs code'),
  ('os.system', 'runs commands'), ('os.popen', 'runs commands'),
  ('os.execv', 'runs commands'), ('os.execve', 'runs commands'), ('os.execvp', 'runs commands'),
  ('os.execvpe', 'runs commands'), ('os.spawnv', 'runs commands'), ('os.spawnve', 'runs commands'),
  ('subprocess.run', 'runs commands'), ('subprocess.call', 'runs commands'),
  ('subprocess.check_call', 'runs commands'), ('subprocess.check_output', 'runs commands'),
  ('subprocess.Popen', 'runs commands'), ('subprocess.Popen.__init__', 'runs commands'),
  ('subprocess.getoutput', 'runs commands'), ('pty.spawn', 'runs commands'),
  ('pickle.load', 'makes any object'), ('pickle.loads', 'makes any object'),
  ('_pickle.load', 'makes any object'), ('_pickle.loads', 'makes any object'),
  ('pickle.Unpickler', 'makes any object'), ('marshal.load', 'makes any object'),
  ('marshal.loads', 'makes any object'), ('shelve.open', 'makes any object'),
  ('dill.load', 'makes any object'), ('dill.loads', 'makes any object'),
  ('yaml.load', 'makes any object'), ('yaml.unsafe_load', 'makes any object'),
  ('tempfile.mktemp', 'names a file that others may take')
) AS sinks
