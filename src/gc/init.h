/* init.h - starting the library: once, from its constructor, or from whatever needs it before that. */
#ifndef TRIX_INIT_H
#define TRIX_INIT_H

void trix_init(void);

/* Layers above the collector add their own start here, in the order host, life, obs. */
void trix_host_init(void);
void trix_life_init(void);
void trix_obs_init(void);

#endif
