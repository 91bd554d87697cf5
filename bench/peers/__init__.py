"""One generated project for cpgbuild and for every peer, and what each reruns after a change."""
