/* One plugin that breaks the ABI in many ways. Which way is two digits that the tests write into the file. */
#include "modhost.h"

#include <pthread.h>
#include <stdint.h>
#include <string.h>

static const volatile char way[] = "BREAKS-LIKE-00";
static int number(void) { return (way[12] - '0') * 10 + (way[13] - '0'); }

static const modhost_host *host;
static modhost_sink kept;

static int32_t keep(void *context, const uint8_t *bytes, size_t len) {
    (void)context, (void)bytes, (void)len;
    return MODHOST_OK;
}

/* What the host answers on a thread of the plugin's own, while a call runs on another. */
static void *elsewhere(void *status) {
    int32_t *answers = status;
    answers[0] = host->print(host->context, (const uint8_t *)"elsewhere", 9);
    answers[1] = host->call(host->context, 0, (const uint8_t *)"\xb1\x07\x01\x02", 4, kept);
    answers[2] = kept.write(kept.context, (const uint8_t *)"\xb1\x01", 2);
    return NULL;
}

static int32_t create(const modhost_host *given, void **state, modhost_sink reply) {
    host = given;
    kept = reply;
    *state = NULL;
    return number() == 20 ? MODHOST_RAISED : number() == 21 ? 77 : MODHOST_OK;
}

static int32_t put(modhost_sink reply, const char *bytes, size_t len, int32_t status) {
    reply.write(reply.context, (const uint8_t *)bytes, len);
    return status;
}
#define PUT(bytes, status) put(reply, bytes, sizeof(bytes) - 1, status)

static int32_t call(void *state, uint32_t export_index, const uint8_t *args, size_t len, modhost_sink reply) {
    modhost_sink nowhere = {NULL, NULL};
    modhost_sink sink = {NULL, keep};
    size_t i;
    (void)state, (void)export_index;
    switch (number()) {
    case 30: return 6;
    case 31: return -2147483647;
    case 32: return PUT("\xb1", MODHOST_OK);
    case 33: return PUT("\xb1\x05\x7f", MODHOST_OK);
    case 34: return PUT("\xb1\x05\x02\xff\xff", MODHOST_OK);
    case 35: return PUT("\xb1\x03\x02", MODHOST_RAISED);
    case 36: return MODHOST_HOST;
    case 37: return PUT("\xb1\x05\x01x", MODHOST_TYPE);
    case 38: return PUT("\xb1\x07\x01\x00", MODHOST_TYPE);
    case 39: return MODHOST_ARITY;
    case 40: return reply.write(reply.context, NULL, 8) == MODHOST_REFUSED ? MODHOST_OK : 50;
    case 41: return reply.write(reply.context, (const uint8_t *)1, SIZE_MAX) == MODHOST_REFUSED ? MODHOST_OK : 50;
    case 42:
        for (i = 0; i < 100000; i++) put(reply, "0123456789abcdef", 16, 0);
        return MODHOST_OK;
    case 43: return reply.write(NULL, args, len) == MODHOST_REFUSED ? MODHOST_OK : 50;
    case 44: return kept.write(kept.context, (const uint8_t *)"\xb1\x03\x54", 3);
    case 45: return host->call(host->context, 99, args, len, sink);
    case 46: return host->call(host->context, UINT32_MAX, args, len, nowhere);
    case 47: return host->call(host->context, 0, (const uint8_t *)"junk", 4, sink);
    case 48: return host->call(host->context, 0, NULL, 4, sink) == MODHOST_REFUSED ? MODHOST_OK : 50;
    case 49: return host->call(host->context, 0, (const uint8_t *)1, SIZE_MAX, sink) == MODHOST_REFUSED ? MODHOST_OK : 50;
    case 50: return host->call(NULL, 0, args, len, sink) == MODHOST_REFUSED ? MODHOST_OK : 50;
    case 51: return host->print(host->context, (const uint8_t *)"\xff", 1) == MODHOST_REFUSED ? MODHOST_OK : 50;
    case 52: return host->call(host->context, 0, args, 0, sink);
    case 53: return host->call(host->context, 0, args, len, nowhere);
    case 54: return PUT("\xb1\x02", MODHOST_OK);
    case 55:
        for (i = 0; i < 40; i++) put(reply, i ? "\x07\x01" : "\xb1\x07\x01", i ? 2 : 3, 0);
        return PUT("\x00", MODHOST_OK);
    case 56: return PUT("\xb1\x05\x04gone", MODHOST_PANICKED);
    case 57: return PUT("\xb1\x07\xff\xff\xff\xff\x0f", MODHOST_OK);
    case 58: {
        int32_t answers[3] = {0, 0, 0};
        pthread_t thread;
        if (pthread_create(&thread, NULL, elsewhere, answers) != 0 || pthread_join(thread, NULL) != 0) return 50;
        for (i = 0; i < 3; i++)
            if (answers[i] != MODHOST_REFUSED) return 50;
        return MODHOST_OK;
    }
    case 59:
        host->call(host->context, 0, args, len, sink);
        host->print(host->context, (const uint8_t *)"printed", 7);
        return MODHOST_OK;
    default: return MODHOST_OK;
    }
}

static void destroy(void *state) {
    static const uint8_t nil[] = {0xb1, 0};
    (void)state;
    /* Both are refused: no call runs. */
    kept.write(kept.context, nil, sizeof nil);
    host->print(host->context, (const uint8_t *)"late", 4);
}

static modhost_function exports[2] = {{MODHOST_TEXT("go"), MODHOST_TEXT("() -> int?")}, {{NULL, 0}, {NULL, 0}}};
static modhost_text imports[1] = {MODHOST_TEXT("test.ask")};
static modhost_plugin plugin = {
    MODHOST_NATIVE_ABI, sizeof(modhost_plugin), exports, 1, imports, 1, create, call, destroy,
};
static char long_name[200];

MODHOST_EXPORT const modhost_plugin *modhost_plugin_1(void) {
    const modhost_text twice = MODHOST_TEXT("go"), control = MODHOST_TEXT("g\no"), junk = MODHOST_TEXT("\xff\xfe");
    const modhost_text sign = MODHOST_TEXT("(a: wolf)"), other = MODHOST_TEXT("../secret");
    memset(long_name, 'x', sizeof long_name);
    switch (number()) {
    case 1: return NULL;
    case 2: return (const modhost_plugin *)((const char *)&plugin + 1);
    case 3: plugin.abi = 2; break;
    case 4: plugin.abi = 0; break;
    case 5: plugin.size = 0; break;
    case 6: plugin.size = sizeof plugin - 1; break;
    case 7: plugin.size = UINT32_MAX; break; /* A later version: what this host knows is all there. */
    case 8: plugin.create = NULL; break;
    case 9: plugin.call = NULL; break;
    case 10: plugin.destroy = NULL; break;
    case 11: plugin.exports = NULL; break;
    case 12: plugin.export_count = 4097; break;
    case 13: plugin.export_count = SIZE_MAX; break;
    case 14: plugin.imports = (const modhost_text *)((const char *)imports + 1); break;
    case 15: plugin.import_count = SIZE_MAX; break;
    case 16: exports[0].name.bytes = NULL; break;
    case 17: exports[0].name.bytes = (const uint8_t *)long_name, exports[0].name.len = sizeof long_name; break;
    case 18: exports[0].name = junk; break;
    case 19: exports[0].name = control; break;
    case 22: exports[0].name.len = 0; break;
    case 23: exports[1].name = twice, plugin.export_count = 2; break;
    case 24: exports[0].signature = sign; break;
    case 25: exports[0].signature.len = SIZE_MAX; break;
    case 26: imports[0] = other; break;
    case 27: plugin.exports = NULL, plugin.export_count = 0; break;
    default: break;
    }
    return &plugin;
}
