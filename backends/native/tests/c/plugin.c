/* A plugin in C99 against modhost.h: state, a host function, both kinds of failure, and an export without a signature. */
#include "modhost.h"

#include <stdlib.h>
#include <string.h>

/* C99 has no static assertion: an array of -1 elements does not compile. */
#define ASSERT(name, holds) typedef char assert_##name[(holds) ? 1 : -1]
ASSERT(text, sizeof(modhost_text) == 2 * sizeof(void *));
ASSERT(sink, sizeof(modhost_sink) == 2 * sizeof(void *));
ASSERT(function, sizeof(modhost_function) == 4 * sizeof(void *));
ASSERT(host, sizeof(modhost_host) == 8 + 3 * sizeof(void *));
ASSERT(host_call, offsetof(modhost_host, call) == 8 + sizeof(void *));
ASSERT(plugin, sizeof(modhost_plugin) == 8 + 7 * sizeof(void *));
ASSERT(plugin_imports, offsetof(modhost_plugin, imports) == 8 + 2 * sizeof(void *));
ASSERT(plugin_create, offsetof(modhost_plugin, create) == 8 + 4 * sizeof(void *));
ASSERT(plugin_destroy, offsetof(modhost_plugin, destroy) == 8 + 6 * sizeof(void *));

typedef struct {
    const modhost_host *host;
    int64_t count;
} state_t;

static int32_t create(const modhost_host *host, void **state, modhost_sink reply) {
    state_t *self = calloc(1, sizeof *self);
    (void)reply;
    if (host->abi != MODHOST_NATIVE_ABI || host->size < sizeof *host || self == NULL) {
        free(self);
        return MODHOST_RAISED;
    }
    self->host = host;
    *state = self;
    return MODHOST_OK;
}

static void reply_int(modhost_sink reply, int64_t number) {
    uint8_t bytes[12] = {0xb1, 3};
    uint64_t zigzag = ((uint64_t)number << 1) ^ (number < 0 ? UINT64_MAX : 0);
    size_t len = 2;
    for (; zigzag >= 0x80; zigzag >>= 7) bytes[len++] = (uint8_t)(zigzag | 0x80);
    bytes[len++] = (uint8_t)zigzag;
    reply.write(reply.context, bytes, len);
}

/* A text of less than 128 bytes, in two pieces. */
static void reply_text(modhost_sink reply, const char *text) {
    uint8_t head[3] = {0xb1, 5, 0};
    head[2] = (uint8_t)strlen(text);
    reply.write(reply.context, head, sizeof head);
    reply.write(reply.context, (const uint8_t *)text, strlen(text));
}

/* The int at `*args`, which the host has checked to be one. */
static int64_t take_int(const uint8_t **args) {
    uint64_t zigzag = 0;
    unsigned shift = 0;
    ++*args;
    do zigzag |= (uint64_t)(**args & 0x7f) << shift, shift += 7;
    while (*(*args)++ & 0x80);
    return (int64_t)(zigzag >> 1) ^ -(int64_t)(zigzag & 1);
}

/* Passes what the host writes straight on to the host. */
static int32_t forward(void *context, const uint8_t *bytes, size_t len) {
    modhost_sink *reply = context;
    return reply->write(reply->context, bytes, len);
}

enum { ADD, COUNT, ASK, LOOSE, RAISE, PRINT };

static int32_t call(void *state, uint32_t export_index, const uint8_t *args, size_t len, modhost_sink reply) {
    static const uint8_t type_error[] = {0xb1, 7, 3, 5, 1, '1', 5, 3, 'i', 'n', 't', 5, 3, 's', 't', 'r'};
    state_t *self = state;
    const uint8_t *at = args + 3;
    int64_t first;
    switch (export_index) {
    case ADD:
        first = take_int(&at);
        reply_int(reply, first + take_int(&at));
        return MODHOST_OK;
    case COUNT:
        reply_int(reply, ++self->count);
        return MODHOST_OK;
    case ASK: {
        modhost_sink onward;
        onward.context = &reply;
        onward.write = forward;
        return self->host->call(self->host->context, 0, args, len, onward);
    }
    case LOOSE:
        if (args[2] != 1) {
            reply_text(reply, "1");
            return MODHOST_ARITY;
        }
        reply.write(reply.context, type_error, sizeof type_error);
        return MODHOST_TYPE;
    case RAISE:
        reply_text(reply, "from C");
        return MODHOST_RAISED;
    case PRINT:
        return self->host->print(self->host->context, (const uint8_t *)"hello", 5);
    default:
        return -1;
    }
}

static void destroy(void *state) { free(state); }

static const modhost_function exports[] = {
    {MODHOST_TEXT("add"), MODHOST_TEXT("(a: int, b: int) -> int")},
    {MODHOST_TEXT("count"), MODHOST_TEXT("() -> int")},
    {MODHOST_TEXT("ask"), MODHOST_TEXT("(what: str) -> int")},
    {MODHOST_TEXT("loose"), {NULL, 0}},
    {MODHOST_TEXT("raise"), MODHOST_TEXT("()")},
    {MODHOST_TEXT("print"), MODHOST_TEXT("()")},
};
static const modhost_text imports[] = {MODHOST_TEXT("test.ask")};
static const modhost_plugin plugin = {
    MODHOST_NATIVE_ABI, sizeof(modhost_plugin), exports, 6, imports, 1, create, call, destroy,
};

MODHOST_EXPORT const modhost_plugin *modhost_plugin_1(void) { return &plugin; }
