/* A stand-in for libnvidia-ml.so.1, for machines without a GPU: it answers from the JSON file that
 * NVML_STAND_IN names. What a GPU's entry leaves out is "not supported"; its "errors" give a
 * function a code to fail with, or -1 to hang. Built by tests/gpus/stand_in.py. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SUCCESS = 0, INVALID_ARGUMENT = 2, NOT_SUPPORTED = 3, NOT_FOUND = 6, INSUFFICIENT_SIZE = 7 };
enum { HANG = -1, SLICES = 1000, SWITCH = 2, UNKNOWN_ERROR = 999 };

typedef unsigned long long u64;
typedef struct { u64 total, free, used; } Memory;
typedef struct { unsigned version; u64 total, reserved, free, used; } MemoryV2;
typedef struct { unsigned gpu, memory; } Utilization;
typedef struct { unsigned version, sensor; int temperature; } Temperature;
typedef struct { unsigned pid; u64 memory; unsigned gpu_instance, compute_instance; } Process;
typedef struct {
    char legacy[16];
    unsigned domain, bus, device, device_id, subsystem_id;
    char bus_id[32];
} Pci;

/* The script: values are pointers into its text. */

static char *script;

static const char *blank(const char *p) {
    while (*p == ' ' || *p == '\n' || *p == '\t' || *p == '\r' || *p == ',' || *p == ':') p++;
    return p;
}

static const char *past(const char *p) {
    int depth = 0;
    p = blank(p);
    do {
        if (*p == '"') {
            for (p++; *p && *p != '"'; p++) if (*p == '\\') p++;
        } else if (*p == '{' || *p == '[') {
            depth++;
        } else if (*p == '}' || *p == ']') {
            depth--;
        } else if (!depth) {
            return p + strcspn(p, ",]} \n");
        }
        p++;
    } while (*p && depth);
    return p;
}

static const char *member(const char *object, const char *key) {
    const char *p = object ? blank(object) : NULL;
    if (!p || *p != '{') return NULL;
    for (p = blank(p + 1); *p == '"'; p = blank(past(p))) {
        const char *name = p + 1;
        p = blank(past(p));
        if (!strncmp(name, key, strlen(key)) && name[strlen(key)] == '"')
            return strncmp(p, "null", 4) ? p : NULL;
    }
    return NULL;
}

static const char *element(const char *array, long index) {
    const char *p = array ? blank(array) : NULL;
    if (!p || *p != '[') return NULL;
    for (p = blank(p + 1); *p && *p != ']'; p = blank(past(p)))
        if (!index--) return p;
    return NULL;
}

static long length(const char *array) {
    long count = 0;
    while (element(array, count)) count++;
    return count;
}

static u64 number(const char *value) { return value ? strtoull(value, NULL, 10) : 0; }

static int copy(const char *value, char *to, unsigned size) {
    size_t count;
    if (!value || *value != '"') return NOT_SUPPORTED;
    count = strcspn(value + 1, "\"");
    if (count >= size) return INSUFFICIENT_SIZE;
    memcpy(to, value + 1, count);
    to[count] = 0;
    return SUCCESS;
}

static void load(void) {
    const char *path = getenv("NVML_STAND_IN");
    FILE *file = path ? fopen(path, "r") : NULL;
    if (!file) return;
    free(script);
    script = calloc(1, 1 << 20);
    fread(script, 1, (1 << 20) - 1, file);
    fclose(file);
}

/* What a handle means: GPU i is i + 1, its slice j is (i + 1) * SLICES + j. */

static const char *entry(void *device) {
    long handle = (long)device;
    const char *gpus = member(script, "gpus");
    if (handle >= SLICES)
        return element(member(element(gpus, handle / SLICES - 1), "mig"), handle % SLICES);
    return element(gpus, handle - 1);
}

static int told(const char *owner, const char *function) {
    const char *code = member(member(owner, "errors"), function);
    if (!code) return SUCCESS;
    while (strtol(code, NULL, 10) == HANG) sleep(3600);
    return (int)strtol(code, NULL, 10);
}

#define OPEN(device)                                      \
    const char *gpu = entry(device);                      \
    int failure = gpu ? told(gpu, __func__) : INVALID_ARGUMENT; \
    if (failure) return failure

static int plain(const char *gpu, const char *key, unsigned *value) {
    const char *found = member(gpu, key);
    if (found) *value = (unsigned)number(found);
    return found ? SUCCESS : NOT_SUPPORTED;
}

/* The functions that mixvllm calls through nvidia-ml-py. */

int nvmlInitWithFlags(unsigned flags) {
    (void)flags;
    load();
    return told(script, __func__);
}

int nvmlShutdown(void) { return SUCCESS; }

const char *nvmlErrorString(int code) {
    static char text[40];
    snprintf(text, sizeof text, "stand-in error %d", code);
    return text;
}

int nvmlSystemGetDriverVersion(char *version, unsigned size) {
    return copy(member(script, "driver"), version, size);
}

int nvmlSystemGetCudaDriverVersion(int *version) {
    *version = (int)number(member(script, "cuda"));
    return SUCCESS;
}

/* Every reading begins with this one: what the file says now is what is played. */
int nvmlDeviceGetCount_v2(unsigned *count) {
    load();
    *count = (unsigned)length(member(script, "gpus"));
    return told(script, __func__);
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **device) {
    *device = (void *)(long)(index + 1);
    OPEN(*device);
    return SUCCESS;
}

int nvmlDeviceGetName(void *device, char *name, unsigned size) {
    OPEN(device);
    return copy(member(gpu, "name"), name, size);
}

int nvmlDeviceGetUUID(void *device, char *uuid, unsigned size) {
    OPEN(device);
    return copy(member(gpu, "uuid"), uuid, size);
}

int nvmlDeviceGetMemoryInfo_v2(void *device, MemoryV2 *memory) {
    OPEN(device);
    gpu = member(gpu, "memory");
    memory->total = number(member(gpu, "total"));
    memory->reserved = number(member(gpu, "reserved"));
    memory->used = number(member(gpu, "used"));
    memory->free = memory->total - memory->reserved - memory->used;
    return gpu ? SUCCESS : NOT_SUPPORTED;
}

int nvmlDeviceGetMemoryInfo(void *device, Memory *memory) {
    OPEN(device);
    gpu = member(gpu, "memory");
    memory->total = number(member(gpu, "total"));
    memory->used = number(member(gpu, "used")) + number(member(gpu, "reserved"));
    memory->free = memory->total - memory->used;
    return gpu ? SUCCESS : NOT_SUPPORTED;
}

int nvmlDeviceGetUtilizationRates(void *device, Utilization *rates) {
    OPEN(device);
    return plain(gpu, "utilization", &rates->gpu);
}

int nvmlDeviceGetTemperatureV(void *device, Temperature *reading) {
    OPEN(device);
    return plain(gpu, "temperature", (unsigned *)&reading->temperature);
}

int nvmlDeviceGetPowerUsage(void *device, unsigned *milliwatts) {
    OPEN(device);
    return plain(gpu, "power", milliwatts);
}

int nvmlDeviceGetEnforcedPowerLimit(void *device, unsigned *milliwatts) {
    OPEN(device);
    return plain(gpu, "power_limit", milliwatts);
}

int nvmlDeviceGetCudaComputeCapability(void *device, int *major, int *minor) {
    OPEN(device);
    gpu = member(gpu, "capability");
    *major = (int)number(element(gpu, 0));
    *minor = (int)number(element(gpu, 1));
    return gpu ? SUCCESS : NOT_SUPPORTED;
}

int nvmlDeviceGetMigMode(void *device, unsigned *current, unsigned *pending) {
    OPEN(device);
    *pending = *current = member(gpu, "mig") != NULL;
    return *current || member(gpu, "is_mig_capable") ? SUCCESS : NOT_SUPPORTED;
}

int nvmlDeviceGetMaxMigDeviceCount(void *device, unsigned *count) {
    OPEN(device);
    *count = 7;
    return SUCCESS;
}

int nvmlDeviceGetMigDeviceHandleByIndex(void *device, unsigned index, void **slice) {
    OPEN(device);
    *slice = (void *)((long)device * SLICES + index);
    return index < length(member(gpu, "mig")) ? SUCCESS : NOT_FOUND;
}

int nvmlDeviceGetGpuInstanceId(void *device, unsigned *id) {
    OPEN(device);
    return plain(gpu, "gpu_instance", id);
}

int nvmlDeviceGetComputeInstanceId(void *device, unsigned *id) {
    OPEN(device);
    return plain(gpu, "compute_instance", id);
}

static int processes(const char *listed, unsigned *count, Process *into) {
    unsigned room = *count;
    if (!listed) return NOT_SUPPORTED;
    *count = (unsigned)length(listed);
    if (*count > room) return INSUFFICIENT_SIZE;
    for (unsigned i = 0; into && i < *count; i++) {
        const char *each = element(listed, i), *memory = member(each, "memory");
        into[i].pid = (unsigned)number(member(each, "pid"));
        into[i].memory = memory ? number(memory) : ~0ULL;
        into[i].gpu_instance = into[i].compute_instance = ~0U;
    }
    return SUCCESS;
}

int nvmlDeviceGetComputeRunningProcesses_v3(void *device, unsigned *count, Process *into) {
    OPEN(device);
    return processes(member(gpu, "processes"), count, into);
}

int nvmlDeviceGetGraphicsRunningProcesses_v3(void *device, unsigned *count, Process *into) {
    OPEN(device);
    return processes(member(gpu, "graphics"), count, into);
}

int nvmlDeviceGetTopologyCommonAncestor(void *device, void *other, unsigned *level) {
    OPEN(device);
    gpu = element(member(gpu, "levels"), (long)other - 1);
    *level = (unsigned)number(gpu);
    return gpu ? SUCCESS : NOT_SUPPORTED;
}

int nvmlDeviceGetPciInfo_v3(void *device, Pci *pci) {
    OPEN(device);
    memset(pci, 0, sizeof *pci);
    return copy(member(gpu, "bus_id"), pci->bus_id, sizeof pci->bus_id);
}

/* "links" lists where each NVLink goes: the index of a GPU, or -1 for a switch. */

static const char *link_of(const char *gpu, unsigned link) {
    return element(member(gpu, "links"), link);
}

int nvmlDeviceGetNvLinkState(void *device, unsigned link, unsigned *is_active) {
    OPEN(device);
    *is_active = link_of(gpu, link) != NULL;
    return member(gpu, "links") ? SUCCESS : NOT_SUPPORTED;
}

int nvmlDeviceGetNvLinkRemoteDeviceType(void *device, unsigned link, unsigned *type) {
    OPEN(device);
    gpu = link_of(gpu, link);
    *type = gpu && *gpu == '-' ? SWITCH : 0;
    return gpu ? SUCCESS : NOT_SUPPORTED;
}

int nvmlDeviceGetNvLinkRemotePciInfo_v2(void *device, unsigned link, Pci *pci) {
    OPEN(device);
    gpu = link_of(gpu, link);
    return gpu ? nvmlDeviceGetPciInfo_v3((void *)(long)(number(gpu) + 1), pci) : NOT_SUPPORTED;
}
