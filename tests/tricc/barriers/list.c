/* list.c - a list that loses its tail every hundred nodes, written in plain C: the barriers are tricc's. */
#include <tricolor.h>
#include <stdio.h>

struct node {
    struct node *next;
    long value;
};
static struct node *head;

int main(void) { //=> 2 stores barriered, 1 left out: no pointer
    for (int i = 0; i < 1000000; i++) {
        struct node *n = tri_new(struct node);
        n->value = i;
        n->next = i % 100 ? head : NULL;
        head = n;
    }
    long sum = 0;
    for (struct node *n = head; n; n = n->next) sum += n->value;
    if (sum != 99994950) return printf("wrong sum %ld\n", sum), 1;
    return 0;
}
