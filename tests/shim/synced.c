/* What of a data directory would survive a power cut.
 *
 * Preloaded into a server, it notes on a side file which bytes and names are durable, so that after kill -9 a program
 * can take away what was not (tests/oracle/power_cut.py). The page cache survives a kill and would hide a missing fsync.
 *
 *   CAMPANILE_SYNCED_DATA  the data directory, absolute and resolved
 *   CAMPANILE_SYNCED_SIDE  a directory beside it, on the same file system: `journal`, and files that renames replaced
 *
 * Lines of the journal, each one write(2) to a file opened for appending, numbered by one counter:
 *   C number inode path            a file was created; its name is durable after an fsync of its directory
 *   R number inode old TAB new     a file was renamed; what stood at `new` before is kept as `kept-<number>`
 *   S number inode length path     bytes below `length` are durable: fsync, fdatasync, or a write to an O_SYNC file
 *   D number path                  names in this directory that carry a smaller number are durable
 *   T number inode length path     the file was cut: no more than `length` bytes of it can be durable
 *
 * Deliberately left out: sync_file_range, which promises nothing; syncfs, so that it counts as nothing; raw system
 * calls that go around the C library; bytes overwritten in place, of which the newest are kept; unlinks, which are
 * taken as durable at once.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#define FILES_MAX 65536

static char data[PATH_MAX], side[PATH_MAX];
static size_t data_length;
static int journal = -1;
static atomic_ulong number = 1;
static _Atomic unsigned char synchronous[FILES_MAX];

/* The C library's own function, looked up once. */
#define REAL(name) ({ static __typeof__(&name) found; if (!found) found = (__typeof__(&name))real(#name); found; })

static void *real(const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);
    if (!found) {
        fprintf(stderr, "synced.so: the C library has no %s\n", name);
        abort();
    }
    return found;
}

__attribute__((constructor)) static void begin(void)
{
    const char *from = getenv("CAMPANILE_SYNCED_DATA"), *to = getenv("CAMPANILE_SYNCED_SIDE");
    if (!from || !to)
        return;
    snprintf(data, sizeof data, "%s", from);
    snprintf(side, sizeof side, "%s", to);
    data_length = strlen(data);
    char path[PATH_MAX + 16];
    snprintf(path, sizeof path, "%s/journal", side);
    journal = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    /* Numbers go on from those of an earlier process: the size of its journal is beyond them all. */
    struct stat stat_;
    if (journal >= 0 && fstat(journal, &stat_) == 0)
        number = (unsigned long)stat_.st_size + 1;
}

static void note(const char *form, ...)
{
    char line[2 * PATH_MAX + 64];
    va_list values;
    va_start(values, form);
    int length = vsnprintf(line, sizeof line, form, values);
    va_end(values);
    if (length > 0 && syscall(SYS_write, journal, line, (size_t)length) != length)
        fprintf(stderr, "synced.so: the journal could not be written: %s\n", strerror(errno));
}

static int is_inside(const char *path)
{
    return journal >= 0 && strncmp(path, data, data_length) == 0 && (path[data_length] == '/' || !path[data_length]);
}

/* The absolute path of an open file, if it lies in the data directory. */
static int path_of(int file, char *path)
{
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = journal < 0 ? -1 : readlink(link, path, PATH_MAX - 1);
    if (length < 0)
        return 0;
    path[length] = 0;
    return is_inside(path);
}

/* The absolute path of a name, its directory resolved, if it lies in the data directory. */
static int resolved(int at, const char *name, char *path)
{
    char parent[PATH_MAX], whole[PATH_MAX];
    if (journal < 0 || (at != AT_FDCWD && name[0] != '/'))
        return 0;
    snprintf(parent, sizeof parent, "%s", name);
    char *slash = strrchr(parent, '/');
    const char *last = slash ? name + (slash - parent) + 1 : name;
    if (slash)
        *slash = 0;
    if (!realpath(slash ? (*parent ? parent : "/") : ".", whole))
        return 0;
    return snprintf(path, PATH_MAX, "%s/%s", whole, last) < PATH_MAX && is_inside(path);
}

/* Opening: creation makes a name that only an fsync of the directory makes durable. */

static int opened(int at, const char *name, int flags, mode_t mode)
{
    char path[PATH_MAX];
    struct stat before, after;
    int watched = (flags & (O_CREAT | O_SYNC | O_DSYNC)) && resolved(at, name, path);
    int is_new = watched && (flags & O_CREAT) && stat(path, &before) != 0;
    int cut = !is_new && (flags & O_TRUNC) && resolved(at, name, path);
    int file = (int)syscall(SYS_openat, at, name, flags, mode);
    if (file < 0 || file >= FILES_MAX)
        return file;
    synchronous[file] = watched && (flags & (O_SYNC | O_DSYNC));
    if ((is_new || cut) && fstat(file, &after) == 0) {
        unsigned long mine = number++;
        if (is_new)
            note("C %lu %lu %s\n", mine, (unsigned long)after.st_ino, path);
        else
            note("T %lu %lu 0 %s\n", mine, (unsigned long)after.st_ino, path);
    }
    return file;
}

#define WITH_MODE(flags, last) \
    mode_t mode = 0; \
    if ((flags) & (O_CREAT | O_TMPFILE)) { \
        va_list values; \
        va_start(values, last); \
        mode = va_arg(values, mode_t); \
        va_end(values); \
    }

int open(const char *name, int flags, ...) { WITH_MODE(flags, flags) return opened(AT_FDCWD, name, flags, mode); }
int open64(const char *name, int flags, ...) { WITH_MODE(flags, flags) return opened(AT_FDCWD, name, flags | O_LARGEFILE, mode); }
int openat(int at, const char *name, int flags, ...) { WITH_MODE(flags, flags) return opened(at, name, flags, mode); }
int openat64(int at, const char *name, int flags, ...) { WITH_MODE(flags, flags) return opened(at, name, flags | O_LARGEFILE, mode); }
int creat(const char *name, mode_t mode) { return opened(AT_FDCWD, name, O_WRONLY | O_CREAT | O_TRUNC, mode); }
int creat64(const char *name, mode_t mode) { return creat(name, mode); }

/* fopen opens inside the C library, where no wrapper of open is seen: RocksDB writes its LOG so. */
static FILE *streamed(const char *name, const char *mode, FILE *(*real_)(const char *, const char *))
{
    char path[PATH_MAX];
    struct stat stat_;
    int is_new = (mode[0] == 'w' || mode[0] == 'a') && resolved(AT_FDCWD, name, path) && stat(path, &stat_) != 0;
    FILE *stream = real_(name, mode);
    if (stream && is_new && fstat(fileno(stream), &stat_) == 0) {
        unsigned long mine = number++;
        note("C %lu %lu %s\n", mine, (unsigned long)stat_.st_ino, path);
    }
    return stream;
}
FILE *fopen(const char *name, const char *mode) { return streamed(name, mode, REAL(fopen)); }
FILE *fopen64(const char *name, const char *mode) { return streamed(name, mode, REAL(fopen64)); }

/* Syncing: what was there before the call is durable after it. */

static int synced(int file, int (*real_)(int))
{
    char path[PATH_MAX];
    struct stat stat_;
    int watched = path_of(file, path) && fstat(file, &stat_) == 0;
    unsigned long mine = watched ? number++ : 0;
    int result = real_(file);
    if (watched && result == 0) {
        if (S_ISDIR(stat_.st_mode))
            note("D %lu %s\n", mine, path);
        else
            note("S %lu %lu %lld %s\n", mine, (unsigned long)stat_.st_ino, (long long)stat_.st_size, path);
    }
    return result;
}

static int sync_whole(int file) { return (int)syscall(SYS_fsync, file); }
static int sync_data(int file) { return (int)syscall(SYS_fdatasync, file); }
int fsync(int file) { return synced(file, sync_whole); }
int fdatasync(int file) { return synced(file, sync_data); }

static ssize_t written(int file, ssize_t result)
{
    char path[PATH_MAX];
    struct stat stat_;
    if (result > 0 && file < FILES_MAX && synchronous[file] && path_of(file, path) && fstat(file, &stat_) == 0) {
        unsigned long mine = number++;
        note("S %lu %lu %lld %s\n", mine, (unsigned long)stat_.st_ino, (long long)stat_.st_size, path);
    }
    return result;
}

ssize_t write(int file, const void *bytes, size_t count) { return written(file, REAL(write)(file, bytes, count)); }
ssize_t writev(int file, const struct iovec *parts, int count) { return written(file, REAL(writev)(file, parts, count)); }
ssize_t pwrite(int file, const void *bytes, size_t count, off_t at) { return written(file, REAL(pwrite)(file, bytes, count, at)); }
ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t at) { return written(file, REAL(pwrite64)(file, bytes, count, at)); }

static int shortened(int file, off64_t length, int result)
{
    char path[PATH_MAX];
    struct stat stat_;
    if (result == 0 && path_of(file, path) && fstat(file, &stat_) == 0) {
        unsigned long mine = number++;
        note("T %lu %lu %lld %s\n", mine, (unsigned long)stat_.st_ino, (long long)length, path);
    }
    return result;
}

int ftruncate(int file, off_t length) { return shortened(file, length, REAL(ftruncate)(file, length)); }
int ftruncate64(int file, off64_t length) { return shortened(file, length, REAL(ftruncate64)(file, length)); }

/* Renaming: until the directory is synced, either name may be what a power cut leaves. */

int rename(const char *old, const char *new)
{
    char from[PATH_MAX], to[PATH_MAX], kept[PATH_MAX + 32];
    struct stat stat_;
    if (resolved(AT_FDCWD, old, from) && resolved(AT_FDCWD, new, to) && stat(from, &stat_) == 0
        && S_ISREG(stat_.st_mode)) {
        unsigned long mine = number++;
        snprintf(kept, sizeof kept, "%s/kept-%lu", side, mine);
        if (link(to, kept) != 0 && errno != ENOENT)
            fprintf(stderr, "synced.so: %s could not be kept: %s\n", to, strerror(errno));
        note("R %lu %lu %s\t%s\n", mine, (unsigned long)stat_.st_ino, from, to);
    }
    return (int)syscall(SYS_rename, old, new);
}
