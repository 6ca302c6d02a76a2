# SPDX-License-Identifier: GPL-2.0
"""Tables, files and plots of what was measured."""

import csv
import json
import statistics
import textwrap

MINE, OTHER = "hartwell", "e1000e"
CLOCKS = {"icount": "by guest instructions (one a nanosecond)",
          "wall": "by the clock on the wall, drivers taking turns"}


def compare(clock, measures, results, drivers):
    """Lines of a table, and rows for the files."""
    lines = [CLOCKS[clock], f"{'':<42}" + "".join(f"{d:>12}" for d in drivers) +
             f"{'spread':>8}{'ratio':>7}{'wanted':>9}"]
    rows = []
    for m in measures:
        values = results.get(m.name)
        if not values:
            continue
        middle = {d: statistics.median(v) for d, v in values.items() if v}
        spread = max((max(v) - min(v)) / statistics.median(v) for v in values.values() if v)
        ratio = middle[MINE] / middle[OTHER]
        better = ratio >= 1 if m.better == "higher" else ratio <= 1
        wanted = m.clocks[clock]
        met = not wanted or (ratio >= wanted if m.better == "higher" else ratio <= wanted)
        sign = "" if not wanted else f"{'>=' if m.better == 'higher' else '<='} {wanted:.2f}"
        note = "" if met and better else "  worse" if not better else "  missed"
        lines.append(f"{m.name + ', ' + m.unit:<42}" +
                     "".join(f"{middle[d]:>12.0f}" if d in middle else f"{'-':>12}"
                             for d in drivers) +
                     f"{spread:>8.0%}{ratio:>7.2f}{sign:>9}{note}")
        rows.append({"clock": clock, "measure": m.name, "unit": m.unit, "how": m.how,
                     "better": m.better, "rounds": values, "median": middle, "ratio": ratio,
                     "wanted": wanted, "met": met})
    return lines, rows


def by_name(title, results, form):
    """A table of {driver: {name: number}}."""
    drivers = list(results)
    lines = [f"{title:<42}" + "".join(f"{d:>12}" for d in drivers)]
    for name in dict.fromkeys(n for d in drivers for n in results[d]):
        lines.append(f"{name:<42}" + "".join(
            f"{form.format(results[d][name]) if name in results[d] else '-':>12}"
            for d in drivers))
    return lines


def flat(counts):
    """{driver: {"traffic: what": number}} of the counts of accesses."""
    return {d: {f"{traffic}: {what}": n for traffic, figures in per.items()
                for what, n in figures.items() if what != "packets"}
            for d, per in counts.items()}


def write(out, text, everything):
    """The files: the tables, all figures of all rounds, and a row for each."""
    (out / "bench.txt").write_text(text, encoding="utf-8")
    (out / "bench.json").write_text(json.dumps(everything, indent=1), encoding="utf-8")
    with open(out / "bench.csv", "w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["kind", "measure", "unit", "driver", "round", "value"])
        for r in everything["ratios"]:
            for driver, values in r["rounds"].items():
                table.writerows([r["clock"], r["measure"], r["unit"], driver, i + 1, v]
                                for i, v in enumerate(values))
        for kind, unit in (("count", "each packet"), ("outage", "ms")):
            found = everything.get(kind, {})
            for driver, figures in (flat(found) if kind == "count" else found).items():
                table.writerows([kind, name, unit, driver, 1, n] for name, n in figures.items())


# --- plots ---------------------------------------------------------------------------------


def plots(out, everything):
    import matplotlib                                   # pylint: disable=import-outside-toplevel
    matplotlib.use("Agg")
    from matplotlib import pyplot                       # pylint: disable=import-outside-toplevel

    def save(figure, name):
        figure.tight_layout()
        for suffix in ("svg", "png"):
            figure.savefig(out / f"{name}.{suffix}", dpi=100)
        pyplot.close(figure)

    def curves(name, series, x, y, log=True):
        """series: {label: {x: y}}"""
        figure, axes = pyplot.subplots(figsize=(7, 4))
        for label, points in series.items():
            axes.plot(list(points), list(points.values()), marker="o", label=label)
        if log:
            axes.set_xscale("log", base=2)
        axes.set_ylim(bottom=0)
        axes.set_xlabel(x)
        axes.set_ylabel(y)
        axes.grid(alpha=0.3)
        axes.legend()
        save(figure, name)

    def bars(name, series, y):
        """series: {label: {group: height}}"""
        groups = list(dict.fromkeys(g for s in series.values() for g in s))
        figure, axes = pyplot.subplots(figsize=(max(6, 1.4 * len(groups)), 4))
        width = 0.8 / len(series)
        for i, (label, heights) in enumerate(series.items()):
            axes.bar([g + i * width for g in range(len(groups))],
                     [heights.get(g, 0) for g in groups], width, label=label)
        axes.set_xticks([g + 0.4 - width / 2 for g in range(len(groups))],
                        [textwrap.fill(g, 14) for g in groups], fontsize=8)
        axes.set_ylabel(y)
        axes.grid(axis="y", alpha=0.3)
        axes.legend()
        save(figure, name)

    if sizes := everything.get("sizes"):
        curves("throughput-by-message", sizes, "bytes a write()", "Mbit/s by icount")
    rows = [r for r in everything["ratios"] if r["clock"] == "icount"]
    bursts = [r for r in rows if r["measure"].startswith("pktgen")]
    if bursts:
        curves("packets-by-burst",
               {d: {int(r["measure"].split()[-1]): r["median"][d] / 1e6 for r in bursts
                    if d in r["median"]} for d in bursts[0]["median"]},
               "frames a burst", "million packets/s by icount")
        chosen = [r for r in rows if r["unit"] == "packets/s"]
        bars("instructions-per-packet",
             {d: {r["measure"]: 1e9 / r["median"][d] for r in chosen if d in r["median"]}
              for d in chosen[0]["median"]}, "guest instructions a packet, all in")
    if latency := everything.get("latency"):
        figure, axes = pyplot.subplots(figsize=(7, 4))
        for label, points in latency.items():
            axes.plot([1 / (1 - q / 100) for q in points if q <= 99.9],
                      [v for q, v in points.items() if q <= 99.9], marker="o", label=label)
        axes.set_xscale("log")
        axes.set_xticks([2, 10, 100, 1000], ["50 %", "90 %", "99 %", "99.9 %"])
        axes.set_ylabel("round trip below, us")
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
        save(figure, "latency")
    if counts := everything.get("count"):
        bars("register-accesses", {f"{d}, {kind}": {t: f[kind] for t, f in per.items()}
                                   for d, per in counts.items() for kind in ("reads", "writes")},
             "register accesses a packet")
