/* A library whose constructor leaves a file behind: whoever finds it knows that the library was loaded. */
#include <stdio.h>

__attribute__((constructor)) static void built(void) {
    FILE *file = fopen(TRACE, "w");
    if (file != NULL) fclose(file);
}

#ifdef ENTRY
__attribute__((visibility("default"))) const void *ENTRY(void) { return NULL; }
#endif
#ifdef DATA
__attribute__((visibility("default"))) int modhost_plugin_1 = 1;
#endif
#ifdef UNDEFINED
extern void nobody_has_this(void);
__attribute__((visibility("default"))) void call_it(void) { nobody_has_this(); }
#endif
#ifdef MAIN
int main(void) { return 0; }
#endif
