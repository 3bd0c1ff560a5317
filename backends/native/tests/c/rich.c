/* A library with one of everything that a loader works through: data of a thread in both models, zeros, pointers to data,
   constructors, a destructor, a function that is chosen when it is loaded, a weak name, calls to two other libraries. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN __attribute__((visibility("default")))

static __thread int counted = 3;
SHOWN __thread char own[40];
__attribute__((tls_model("initial-exec"))) static __thread int early = 4;

static char zeros[9000];
SHOWN int shared = 5;
SHOWN int *pointer = &shared;
static const char *const names[] = {"one", "two", "three"};
const char *const *const all = names;

extern void perhaps(void) __attribute__((weak));

static int one(void) { return 1; }
static int (*choose(void))(void) { return one; }
SHOWN int chosen(void) __attribute__((ifunc("choose")));

SHOWN int compare(const void *a, const void *b) { return memcmp(a, b, 1); }

__attribute__((constructor)) static void built(void) {
    zeros[0] = (char)strlen(all[1]);
    qsort(zeros, sizeof zeros, 1, compare);
    own[1] = (char)(counted + early + *pointer);
}
__attribute__((constructor(200))) static void built_first(void) { zeros[1] = (char)cos((double)shared); }
__attribute__((destructor)) static void gone(void) { zeros[2] = 0; }

SHOWN const void *modhost_plugin_1(void) {
    if (perhaps) perhaps();
    if (chosen() != 1 || zeros[sizeof zeros - 1] != 3) abort();
    return NULL;
}
