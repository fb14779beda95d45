/* corpus.h - the files to index, and reading one of them.
 *
 * A corpus is the sorted list of the plain files under some folders; symbolic links are not followed, but for
 * the folders named themselves. Document number n is file n % files, its copy number n / files: copies have
 * names of their own ("name#2"), and let a small folder fill a big heap.
 *
 * A stamped document has one to three lines in front of the file's own text, with words that no other
 * document and no other revision has. So every re-indexing adds words, removes words, and moves every line
 * number, and an answer that mixes up two revisions is found out.
 */
#ifndef SEARCH_CORPUS_H
#define SEARCH_CORPUS_H

#include "index.h"

enum { FILE_MAX = 4 << 20 }; /* bytes; bigger files are left out */

struct corpus {
    char **path;
    uint32_t files, room;
};
TRI_TYPE(struct corpus, path)

/* Folders, or single files, that do not exist are skipped. */
struct corpus *corpus_list(char *const *folders, int n);

/* Reads the file of document `id` and adds it to the index; false if it is not text or cannot be read. */
bool corpus_index(const struct corpus *, struct index *, struct writer *, uint32_t id, bool stamped);

/* Reads the document's file again and replaces what is indexed; a file that is gone counts as empty. False if
 * another thread is doing the same. */
bool corpus_reindex(struct writer *, struct doc *, bool stamped);

#endif
