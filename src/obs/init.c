/* init.c - the obs layer's start. */
#include "../base/probe.h"
#include "../gc/init.h"
#include "../gc/limit.h"
#include "obs.h"
#include "sites.h"
#include "../base/options.h"

static void on_report(const struct cycle_report *report, bool swept) {
    trix_sites_cycle(swept);
    if (swept) {
        PROBE1(gc__sweep__end, report->number);
        return;
    }
    PROBE3(gc__mark__end, report->number, report->heap_marked, report->stop_start + report->stop_finish);
    trix_memstats_cycle(report);
    trix_metrics_cycle(report);
    trix_sight_cycle(report);
    if (trix_options.debug.gctrace) trix_trace_cycle(report);
    trix_trace_pacing(report);
}

void trix_obs_init(void) {
    trix_metrics_init();
    trix_gc_report_hook = on_report;
    if (trix_options.debug.scavtrace) trix_scavenge_report_hook = trix_trace_scavenge;
}
