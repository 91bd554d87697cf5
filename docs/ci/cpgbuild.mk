# Datasets of a cpgbuild project in a Makefile. Copy this file, and write
#
#     include cpgbuild.mk
#
#     report.html: $(DATASETS)/best_country report.py
#         python report.py > $@
#
# Whoever needs $(DATASETS)/NAME has that dataset brought up to date first, and is made again only
# where its rows are others than they were. NAME is whatever `cpgbuild build --target` takes.
# `make datasets` builds all, `make datasets-check` builds nothing and fails where there is work or
# the lock is out of date, `make datasets-impact` says what changed since $(CPGBUILD_BASE).

CPGBUILD ?= cpgbuild
CPGBUILD_PROJECT ?= .
CPGBUILD_BASE ?= origin/main
# Where a file stands for each dataset: it is touched when the dataset's rows changed.
DATASETS ?= $(CPGBUILD_PROJECT)/.cpgbuild/make

.PHONY: datasets datasets-check datasets-impact datasets-always

datasets:
	$(CPGBUILD) build --project $(CPGBUILD_PROJECT)

datasets-check:
	$(CPGBUILD) plan --project $(CPGBUILD_PROJECT) --locked
	$(CPGBUILD) plan --project $(CPGBUILD_PROJECT) --exit-code

datasets-impact:
	$(CPGBUILD) impact --project $(CPGBUILD_PROJECT) --since $(CPGBUILD_BASE)

# Always asked, and changed only if the table was. With `make -j` the builds wait for each other:
# 75 says that another one holds the warehouse.
$(DATASETS)/%: datasets-always
	@mkdir -p $(@D)
	@code=75; while [ $$code -eq 75 ]; do \
	    code=0; \
	    $(CPGBUILD) build --project $(CPGBUILD_PROJECT) --target $* --json > $@.json || code=$$?; \
	    [ $$code -ne 75 ] || sleep 1; \
	done; \
	if [ $$code -ne 0 ]; then grep '"event": "error"' $@.json >&2; exit $$code; fi; \
	if [ ! -e $@ ] || grep -Eq '"event": "(built|restored)".*"dataset": "$*"' $@.json; then \
	    echo "$* changed"; touch $@; \
	fi

datasets-always:
