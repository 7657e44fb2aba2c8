package main

import (
	"slices"

	"github.com/open-policy-agent/opa/v1/cover"
)

// joined is the coverage of several tests, made from that of each: covered is what one of them covers, and not
// covered what none does, with every reason that one of them has.
type joined map[string]*joinedFile

type joinedFile struct {
	covered    map[place]cover.Range
	notCovered map[place]cover.Range
}

// place is a range without its reasons.
type place struct{ start, end cover.Position }

// joinedCoverage begins with the report of no test at all.
func joinedCoverage(none cover.Report) joined {
	all := joined{}
	for name, file := range none.Files {
		all[name] = &joinedFile{map[place]cover.Range{}, byPlace(file.NotCovered)}
	}
	return all
}

func (j joined) add(report cover.Report) {
	for name, file := range report.Files {
		all := j[name]
		for _, covered := range file.Covered {
			all.covered[place{covered.Start, covered.End}] = covered
		}
		open := byPlace(file.NotCovered)
		for at, known := range all.notCovered {
			here, ok := open[at]
			if !ok {
				delete(all.notCovered, at)
				continue
			}
			known.Kinds = bothKinds(known.Kinds, here.Kinds)
			all.notCovered[at] = known
		}
	}
}

func (j joined) report() cover.Report {
	report := cover.Report{Files: map[string]*cover.FileReport{}}
	for name, file := range j {
		report.Files[name] = &cover.FileReport{Covered: inOrder(file.covered), NotCovered: inOrder(file.notCovered)}
	}
	return report
}

// coveredOnly leaves out the files and ranges that a test does not cover: for a whole suite they are a lot.
func coveredOnly(report cover.Report) *cover.Report {
	files := map[string]*cover.FileReport{}
	for name, file := range report.Files {
		if len(file.Covered) > 0 {
			files[name] = &cover.FileReport{Covered: file.Covered}
		}
	}
	return &cover.Report{Files: files}
}

func byPlace(ranges []cover.Range) map[place]cover.Range {
	places := make(map[place]cover.Range, len(ranges))
	for _, r := range ranges {
		places[place{r.Start, r.End}] = r
	}
	return places
}

func inOrder(places map[place]cover.Range) []cover.Range {
	ranges := make([]cover.Range, 0, len(places))
	for _, r := range places {
		ranges = append(ranges, r)
	}
	slices.SortFunc(ranges, cover.Range.Compare)
	return ranges
}

// bothKinds keeps OPA's order of the reasons.
func bothKinds(a, b []cover.Kind) []cover.Kind {
	var kinds []cover.Kind
	for _, kind := range []cover.Kind{cover.KindIndexExcluded, cover.KindEarlyExit} {
		if slices.Contains(a, kind) || slices.Contains(b, kind) {
			kinds = append(kinds, kind)
		}
	}
	return kinds
}
