/* service.h - the service: a cache of users, and what a request does. One struct service a thread. */
#ifndef SERVICE_H
#define SERVICE_H

#include <tricolor.h>

struct service;

/* A cache of at most `entries` users. */
struct service *service_new(size_t entries, uint64_t seed);

/* Serves the page of some user; returns a checksum of it. */
uint64_t service_request(struct service *s);

#endif
