/* Stub of NVIDIA's library NVML (libnvidia-ml.so.1): a GPU without hardware, whose name says so.
 *
 * Build: gcc -shared -fPIC -o libnvidia-ml.so.1 nvml.c
 *
 * It reads two files in the folder $NVML_STUB again at each call; both may be missing.
 *
 * images   has one byte for each image that the AI service has in progress; the GPU is busy with them.
 * control  makes it behave otherwise. Each line has three words or more. Of lines with the same first two words, the
 *          first counts, but all `process` lines count:
 *
 *   all gpus <number>               how many GPUs there are at initialization (1; at most 8)
 *   all init_seconds <seconds>      initialization takes that long
 *   all hang <seconds>              every call takes that long
 *   all error <code>                every call fails with that nvmlReturn_t: the driver is lost
 *   all crash 1                     the next call ends the process
 *   <gpu> error <code>              every call about that GPU fails, even that for its handle
 *   <gpu> <field> <value>           utilization (percent), memory_used, memory_total (bytes), temperature (Celsius),
 *                                   power (mW), corrected, uncorrected (ECC errors), xids (how many there have been
 *                                   until now; all of them have the code 79), or `unsupported` in place of the value
 *   <gpu> process <pid> <bytes> <name>
 *
 * An error lasts as long as the process, as with the driver's own library: after `all error` all its calls fail, after
 * `<gpu> error` all its calls about that GPU. A new process has the errors that `control` has then.
 */

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    SUCCESS = 0, INVALID_ARGUMENT = 2, NOT_SUPPORTED = 3, NOT_FOUND = 6, INSUFFICIENT_SIZE = 7, TIMEOUT = 10,
};
enum { GPUS = 8, BUSY_WITH = 8, XID_FALLEN_OFF_THE_BUS = 79 };
#define GIB (1ull << 30)
#define XID_EVENT 8ull

typedef struct { int index, error; unsigned long long xids; bool watched; } Gpu;
typedef struct { unsigned pid; unsigned long long bytes; unsigned instance, compute_instance; } Process;
typedef struct { unsigned long long total, free, used; } Memory;
typedef struct { unsigned gpu, memory; } Utilization;
typedef struct { Gpu *gpu; unsigned long long type, data; unsigned instance, compute_instance; } Event;

static Gpu gpus[GPUS];
static unsigned gpu_count;
static int error_of_all;

static void path_of(const char *name, char *path, size_t size)
{
    const char *folder = getenv("NVML_STUB");
    snprintf(path, size, "%s/%s", folder ? folder : ".", name);
}

/* Find the nth line of `control` that begins with `who what`, and copy what follows. */
static bool setting(const char *who, const char *what, int nth, char *value, size_t size)
{
    char path[4096], line[512], first[32], second[32];
    int rest;
    path_of("control", path, sizeof path);
    FILE *file = fopen(path, "r");
    if (!file)
        return false;
    bool found = false;
    while (!found && fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = 0;
        if (sscanf(line, "%31s %31s %n", first, second, &rest) == 2 && !strcmp(first, who) && !strcmp(second, what))
            found = nth-- == 0;
        if (found)
            snprintf(value, size, "%s", line + rest);
    }
    fclose(file);
    return found;
}

static unsigned long long number(const char *who, const char *what, unsigned long long otherwise)
{
    char value[64];
    return setting(who, what, 0, value, sizeof value) ? strtoull(value, NULL, 10) : otherwise;
}

/* What every call begins with: hang, crash or fail, if set so. */
static int begin(void)
{
    unsigned hang = number("all", "hang", 0);
    if (hang)
        sleep(hang);
    if (number("all", "crash", 0))
        abort();
    if (!error_of_all)
        error_of_all = number("all", "error", SUCCESS);
    return error_of_all;
}

static int begin_with(Gpu *gpu, char *who, size_t size)
{
    snprintf(who, size, "%d", gpu->index);
    int error = begin();
    if (!gpu->error)
        gpu->error = number(who, "error", SUCCESS);
    return error ? error : gpu->error;
}

static int measurement(Gpu *gpu, const char *what, unsigned long long otherwise, unsigned long long *result)
{
    char who[12], value[64];
    int error = begin_with(gpu, who, sizeof who);
    if (error)
        return error;
    *result = otherwise;
    if (setting(who, what, 0, value, sizeof value)) {
        if (!strcmp(value, "unsupported"))
            return NOT_SUPPORTED;
        *result = strtoull(value, NULL, 10);
    }
    return SUCCESS;
}

/* How many images the GPU works on: the AI service's, up to as many as it can work on at once. */
static unsigned images(void)
{
    char path[4096];
    struct stat status;
    path_of("images", path, sizeof path);
    if (stat(path, &status))
        return 0;
    return status.st_size < BUSY_WITH ? status.st_size : BUSY_WITH;
}

static unsigned busy_percent(void)
{
    return images() * 100 / BUSY_WITH;
}

int nvmlInitWithFlags(unsigned flags)
{
    (void)flags;
    for (int index = 0; index < GPUS; index++)
        gpus[index].index = index;
    gpu_count = number("all", "gpus", 1);
    sleep(number("all", "init_seconds", 0));
    return begin();
}

int nvmlShutdown(void)
{
    return begin();
}

const char *nvmlErrorString(int error)
{
    (void)error;
    return "an error of the simulator";
}

int nvmlSystemGetDriverVersion(char *version, unsigned size)
{
    snprintf(version, size, "simulator");
    return begin();
}

int nvmlSystemGetProcessName(unsigned pid, char *name, unsigned size)
{
    char who[12], value[256], word[128];
    unsigned listed;
    for (int index = 0; index < GPUS; index++) {
        snprintf(who, sizeof who, "%d", index);
        for (int nth = 0; setting(who, "process", nth, value, sizeof value); nth++)
            if (sscanf(value, "%u %*u %127[^\n]", &listed, word) == 2 && listed == pid) {
                snprintf(name, size, "%s", word);
                return SUCCESS;
            }
    }
    if (pid != 1)
        return NOT_FOUND;
    snprintf(name, size, "ai_service");
    return SUCCESS;
}

int nvmlDeviceGetCount_v2(unsigned *count)
{
    *count = gpu_count;
    return begin();
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, Gpu **gpu)
{
    char who[12];
    if (index >= GPUS)
        return INVALID_ARGUMENT;
    *gpu = &gpus[index];
    return begin_with(*gpu, who, sizeof who);
}

int nvmlDeviceGetName(Gpu *gpu, char *name, unsigned size)
{
    char who[12];
    snprintf(name, size, "Simulated GPU (no hardware)");
    return begin_with(gpu, who, sizeof who);
}

int nvmlDeviceGetUUID(Gpu *gpu, char *uuid, unsigned size)
{
    char who[12];
    snprintf(uuid, size, "GPU-00000000-0000-0000-0000-%012d", gpu->index);
    return begin_with(gpu, who, sizeof who);
}

int nvmlDeviceGetUtilizationRates(Gpu *gpu, Utilization *utilization)
{
    unsigned long long value;
    int error = measurement(gpu, "utilization", busy_percent(), &value);
    *utilization = (Utilization){value, value / 2};
    return error;
}

int nvmlDeviceGetMemoryInfo(Gpu *gpu, Memory *memory)
{
    int error = measurement(gpu, "memory_total", 24 * GIB, &memory->total);
    if (!error)
        error = measurement(gpu, "memory_used", (6 + images()) * GIB, &memory->used);
    memory->free = memory->total - memory->used;
    return error;
}

int nvmlDeviceGetTemperature(Gpu *gpu, int sensor, unsigned *temperature)
{
    unsigned long long value;
    (void)sensor;
    int error = measurement(gpu, "temperature", 35 + busy_percent() * 2 / 5, &value);
    *temperature = value;
    return error;
}

int nvmlDeviceGetPowerUsage(Gpu *gpu, unsigned *milliwatts)
{
    unsigned long long value;
    int error = measurement(gpu, "power", 60000 + busy_percent() * 2400, &value);
    *milliwatts = value;
    return error;
}

int nvmlDeviceGetTotalEccErrors(Gpu *gpu, int uncorrected, int counter, unsigned long long *count)
{
    (void)counter;
    return measurement(gpu, uncorrected ? "uncorrected" : "corrected", 0, count);
}

int nvmlDeviceGetComputeRunningProcesses_v3(Gpu *gpu, unsigned *count, Process *processes)
{
    char who[12], value[256];
    int error = begin_with(gpu, who, sizeof who);
    if (error)
        return error;
    unsigned capacity = processes ? *count : 0, found = 0;
    for (Process process = {0}; setting(who, "process", found, value, sizeof value); found++) {
        sscanf(value, "%u %llu", &process.pid, &process.bytes);
        if (found < capacity)
            processes[found] = process;
    }
    if (!found) {
        if (capacity)
            processes[0] = (Process){.pid = 1, .bytes = (5 + images()) * GIB};
        found = 1;
    }
    *count = found;
    return found > capacity ? INSUFFICIENT_SIZE : SUCCESS;
}

int nvmlDeviceGetGraphicsRunningProcesses_v3(Gpu *gpu, unsigned *count, Process *processes)
{
    char who[12];
    (void)processes;
    *count = 0;
    return begin_with(gpu, who, sizeof who);
}

int nvmlEventSetCreate(void **set)
{
    *set = gpus;
    return begin();
}

int nvmlEventSetFree(void *set)
{
    (void)set;
    return begin();
}

int nvmlDeviceRegisterEvents(Gpu *gpu, unsigned long long types, void *set)
{
    (void)types, (void)set;
    int error = measurement(gpu, "xids", 0, &gpu->xids);
    gpu->watched = !error;
    return error;
}

int nvmlEventSetWait_v2(void *set, Event *event, unsigned milliseconds)
{
    char who[12];
    (void)set;
    for (unsigned waited = 0; waited < milliseconds; waited += 50) {
        for (Gpu *gpu = gpus; gpu < gpus + GPUS; gpu++) {
            snprintf(who, sizeof who, "%d", gpu->index);
            if (gpu->watched && number(who, "xids", 0) > gpu->xids) {
                gpu->xids++;
                *event = (Event){.gpu = gpu, .type = XID_EVENT, .data = XID_FALLEN_OFF_THE_BUS};
                return SUCCESS;
            }
        }
        usleep(50000);
    }
    return TIMEOUT;
}
