/* serve.h - one request, and the pages that answer it. */
#ifndef TRID_SERVE_H
#define TRID_SERVE_H

#include "debug.h"

#include <microhttpd.h>

struct request {
    struct MHD_Connection *connection;
    char *path, *query, method[8]; /* the query as it came, or NULL */
    struct page body; /* what was posted */
    bool done;        /* a thread has made the page; by it, before the connection goes on */
    /* the answer */
    struct page page;
    unsigned status;
    const char *type, *attachment, *location, *page_policy; /* constant strings, or path */
    bool delta; /* the attachment is a difference */
    bool failed;
};

const char *trid_parameter(const struct request *r, const char *name); /* NULL: not given */
const char *trid_header(const struct request *r, const char *name);
bool trid_number(const char *text, long least, long most, long *value); /* all of the text is such a number */
void trid_fail(struct request *r, unsigned status, const char *why);
bool trid_wait_seconds(struct request *r, long seconds); /* false, at once: the client has gone, or the server is being stopped */

/* pprof_pages.c */
void trid_pprof_page(struct request *r);
void trid_pprof_symbol(struct request *r);
bool trid_pprof_is_long(const struct request *r); /* seconds, a cycle or all goroutines: not for the server's own threads */

/* live_page.c */
void trid_live_page(struct request *r);
void trid_live_control(struct request *r);
bool trid_live_is_long(const struct request *r); /* runs a cycle */

#endif
