/* modhost native plugin ABI, version 1. C99, no dependencies; C++ may include it too.
 *
 * A plugin is a shared library that exports modhost_plugin_1. It links nothing of modhost and no library beyond the
 * system's (libc, libm, libgcc_s, libpthread, libdl, librt, libstdc++); the host refuses others before it loads it.
 *
 *     cc -shared -fPIC -O2 -fvisibility=hidden -o hello.so hello.c
 *
 * Rules
 *  - Neither side frees what the other allocated. Bytes are lent for the length of a call; to return bytes, pass them
 *    to the reply sink, in as many pieces as you like. Nothing written means nil.
 *  - Arguments, results and messages are values in modhost's wire codec (see ABI.md). In short, an encoding is the byte
 *    0xb1 and one value; a value is a tag and its payload:
 *      0 nil   1 false   2 true   3 int (zigzag, then LEB128)   4 float (8 bytes, little endian)
 *      5 str (LEB128 length, UTF-8)   6 bytes (length, bytes)   7 list (count, values)
 *      8 map (count, then length, key, value; sorted by key)   9 handle (3 x 4 bytes, little endian)
 *    Arguments are one list.
 *  - No exception and no longjmp may leave a plugin's function: either ends the host's process.
 *  - One call of an instance runs at a time, on any thread. The host table may be used on that thread, while create or
 *    call runs; everywhere else it answers MODHOST_REFUSED.
 *  - The library stays mapped until the process ends.
 *
 * A complete plugin:
 *
 *     #include "modhost.h"
 *     #include <string.h>
 *
 *     static int32_t create(const modhost_host *host, void **state, modhost_sink reply) {
 *         (void)host; (void)reply; *state = NULL;
 *         return MODHOST_OK;
 *     }
 *     static int32_t call(void *state, uint32_t export_index, const uint8_t *args, size_t len, modhost_sink reply) {
 *         static const uint8_t hello[] = {0xb1, 5, 5, 'h', 'e', 'l', 'l', 'o'};
 *         (void)state; (void)export_index; (void)args; (void)len;
 *         reply.write(reply.context, hello, sizeof hello);
 *         return MODHOST_OK;
 *     }
 *     static void destroy(void *state) { (void)state; }
 *
 *     static const modhost_function exports[] = {{MODHOST_TEXT("hello"), MODHOST_TEXT("() -> str")}};
 *     static const modhost_plugin plugin = {
 *         MODHOST_NATIVE_ABI, sizeof(modhost_plugin), exports, 1, NULL, 0, create, call, destroy,
 *     };
 *     MODHOST_EXPORT const modhost_plugin *modhost_plugin_1(void) { return &plugin; }
 */
#ifndef MODHOST_H
#define MODHOST_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MODHOST_NATIVE_ABI 1u
/* The most exports, and the most imports, that a table may list. */
#define MODHOST_MOST_FUNCTIONS 4096u

#if defined(_WIN32)
#define MODHOST_EXPORT __declspec(dllexport)
#elif defined(__GNUC__)
#define MODHOST_EXPORT __attribute__((visibility("default")))
#else
#define MODHOST_EXPORT
#endif

/* What a call returns. Every other number breaks the ABI. */
enum {
    /* It worked; the reply is the encoded result. */
    MODHOST_OK = 0,
    /* The plugin raised an error and can go on; the reply is an encoded str. */
    MODHOST_RAISED = 1,
    /* The plugin panicked and is never entered again; the reply is an encoded str. */
    MODHOST_PANICKED = 2,
    /* From a host function: it failed; the reply is an encoded str. From a plugin: it passes that failure on. */
    MODHOST_HOST = 3,
    /* An argument is of a wrong type; the reply is an encoded list of three str: place, expected, found. */
    MODHOST_TYPE = 4,
    /* Too few or too many arguments; the reply is an encoded str, what is taken: "2" or "1 to 3". */
    MODHOST_ARITY = 5,
    /* The host does not take this now, or the reply has grown beyond its limit. Nothing was done. */
    MODHOST_REFUSED = 6
};

/* UTF-8 text that lives as long as the process, without a terminator. */
typedef struct modhost_text {
    const uint8_t *bytes;
    size_t len;
} modhost_text;

/* A string literal as a modhost_text initializer. */
#define MODHOST_TEXT(literal) {(const uint8_t *)(literal), sizeof(literal) - 1}

/* How either side returns bytes. Valid until the call that it was passed to returns, on that thread. */
typedef struct modhost_sink {
    void *context;
    /* Copies the bytes after those written before; MODHOST_OK or MODHOST_REFUSED. */
    int32_t (*write)(void *context, const uint8_t *bytes, size_t len);
} modhost_sink;

/* What the host offers one instance. */
typedef struct modhost_host {
    uint32_t abi;
    uint32_t size;
    void *context;
    /* Calls the host function at index `import_index` of the plugin's imports with an encoded list. */
    int32_t (*call)(void *context, uint32_t import_index, const uint8_t *args, size_t len, modhost_sink reply);
    /* Prints one line of UTF-8 text. */
    int32_t (*print)(void *context, const uint8_t *text, size_t len);
} modhost_host;

/* One export. With a signature ("(a: int, b: int) -> int") the host checks arguments and result; empty for none. */
typedef struct modhost_function {
    modhost_text name;
    modhost_text signature;
} modhost_function;

/* What a plugin offers; the host copies it when it loads the plugin. */
typedef struct modhost_plugin {
    uint32_t abi;
    uint32_t size;
    const modhost_function *exports;
    size_t export_count;
    const modhost_text *imports;
    size_t import_count;
    /* Makes an instance: stores its state (NULL is allowed) and keeps `host`. A failed one leaves nothing behind. */
    int32_t (*create)(const modhost_host *host, void **state, modhost_sink reply);
    /* Calls the export at index `export_index` with an encoded list of arguments. */
    int32_t (*call)(void *state, uint32_t export_index, const uint8_t *args, size_t len, modhost_sink reply);
    /* Ends an instance; not called after MODHOST_PANICKED. */
    void (*destroy)(void *state);
} modhost_plugin;

/* The one symbol that a plugin exports. */
MODHOST_EXPORT const modhost_plugin *modhost_plugin_1(void);

#ifdef __cplusplus
}
#endif

#endif
