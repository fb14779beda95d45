/* init.h - starting the library: once, from its constructor, or from whatever needs it before that. */
#ifndef TRIX_INIT_H
#define TRIX_INIT_H

void trix_init(void);

/* Layers above the collector add their own start here, in the order host, sched, life, obs; weak in tests of single
 * layers. */
void trix_host_init(void);
void trix_sched_init(void);
void trix_life_init(void);
void trix_obs_init(void);

#endif
