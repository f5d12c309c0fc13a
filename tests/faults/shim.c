/*
 * A disk between a program and the real one, by LD_PRELOAD: it notes what would reach the disk and
 * when it was made durable, and it fails on command.
 *
 * HOOKAGENT_DISK_ROOT     only files under this folder are watched
 * HOOKAGENT_DISK_JOURNAL  every write, sync, truncation, creation, removal and renaming, in order
 * HOOKAGENT_DISK_FAULTS   a file of 16 bytes, shared: the errno (0: none) with which writing,
 *                         syncing, opening for writing, and reading fail, one byte each
 *
 * One record of the journal: the struct below, the path, the data. Files that end in -shm are
 * memory shared between processes, no data, and are left out.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { WRITE = 1, SYNC_BEGAN, SYNC_DONE, SYNC_FAILED, TRUNCATE, CREATE, REMOVE, RENAME, FOLDER };
enum { FAIL_WRITE, FAIL_SYNC, FAIL_OPEN, FAIL_READ };

struct record {
    int64_t at_ns;
    int64_t offset;
    uint32_t what;
    uint32_t path_bytes;
    uint32_t data_bytes;
    uint32_t thread;
};

#define FILES 4096
static char *paths[FILES];
static char owes[FILES]; /* whether an error of a sync through another descriptor is yet to be told */
static char root[PATH_MAX];
static size_t root_bytes;
static int journal = -1;
static volatile unsigned char *faults;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void write_all(const void *data, size_t bytes) {
    const char *at = data;
    while (bytes) {
        long written = syscall(SYS_write, journal, at, bytes);
        if (written < 0) {
            if (errno == EINTR) continue;
            abort();
        }
        at += written;
        bytes -= (size_t)written;
    }
}

__attribute__((constructor)) static void begin(void) {
    const char *place = getenv("HOOKAGENT_DISK_ROOT");
    const char *noted = getenv("HOOKAGENT_DISK_JOURNAL");
    const char *failing = getenv("HOOKAGENT_DISK_FAULTS");
    if (place && strlen(place) < sizeof root) {
        strcpy(root, place);
        root_bytes = strlen(root);
    }
    if (noted && root_bytes) {
        int opened = (int)syscall(SYS_openat, AT_FDCWD, noted,
                                  O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        journal = fcntl(opened, F_DUPFD_CLOEXEC, 900);
        syscall(SYS_close, opened);
    }
    if (failing) {
        int opened = (int)syscall(SYS_openat, AT_FDCWD, failing, O_RDONLY | O_CLOEXEC, 0);
        void *shared = mmap(NULL, 16, PROT_READ, MAP_SHARED, opened, 0);
        if (shared != MAP_FAILED) faults = shared;
        syscall(SYS_close, opened);
    }
}

static int is_watched(const char *path) {
    if (!root_bytes || strncmp(path, root, root_bytes)) return 0;
    if (path[root_bytes] != '/' && path[root_bytes] != 0) return 0;
    size_t bytes = strlen(path);
    return !(bytes > 4 && !strcmp(path + bytes - 4, "-shm"));
}

static const char *path_of(int fd) {
    return fd >= 0 && fd < FILES ? paths[fd] : NULL;
}

static int fails(int what) {
    if (!faults || !faults[what]) return 0;
    errno = faults[what];
    return 1;
}

/* The caller holds the lock, so that the journal's order is the order in which things were done. */
static void note(uint32_t what, const char *path, int64_t offset, const void *data, size_t bytes) {
    if (journal < 0) return;
    int before = errno;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    struct record one = {now.tv_sec * 1000000000LL + now.tv_nsec, offset, what,
                         (uint32_t)strlen(path), (uint32_t)bytes,
                         (uint32_t)syscall(SYS_gettid)};
    size_t size = sizeof one + one.path_bytes + bytes;
    char *whole = malloc(size); /* one write, so that a kill cuts at most the last record */
    if (!whole) abort();
    memcpy(whole, &one, sizeof one);
    memcpy(whole + sizeof one, path, one.path_bytes);
    if (bytes) memcpy(whole + sizeof one + one.path_bytes, data, bytes);
    write_all(whole, size);
    free(whole);
    errno = before;
}

/* The absolute path of a name, which need not exist; its folder must. */
static int absolute(int folder, const char *name, char *found) {
    if (name[0] == '/') {
        if (strlen(name) >= PATH_MAX) return 0;
        strcpy(found, name);
        return 1;
    }
    char start[PATH_MAX];
    if (folder == AT_FDCWD) {
        if (!getcwd(start, sizeof start)) return 0;
    } else {
        const char *known = path_of(folder);
        if (!known) return 0;
        strcpy(start, known);
    }
    if (strlen(start) + strlen(name) + 2 > PATH_MAX) return 0;
    strcpy(found, start);
    strcat(found, "/");
    strcat(found, name);
    return 1;
}

static int opened(int folder, const char *name, int flags, mode_t mode) {
    char path[PATH_MAX];
    int is_ours = absolute(folder, name, path) && is_watched(path);
    if (!is_ours) return (int)syscall(SYS_openat, folder, name, flags, mode);
    if ((flags & O_ACCMODE) != O_RDONLY && fails(FAIL_OPEN)) return -1;
    pthread_mutex_lock(&lock);
    int is_new = (flags & O_CREAT) && faccessat(folder, name, F_OK, AT_SYMLINK_NOFOLLOW) != 0;
    int fd = (int)syscall(SYS_openat, folder, name, flags, mode);
    int before = errno;
    if (fd >= 0 && fd < FILES) {
        free(paths[fd]);
        paths[fd] = strdup(path);
        owes[fd] = 0;
        if (is_new) note(CREATE, path, 0, NULL, 0);
        if ((flags & O_TRUNC) && !is_new) note(TRUNCATE, path, 0, NULL, 0);
    }
    pthread_mutex_unlock(&lock);
    errno = before;
    return fd;
}

static mode_t mode_of(int flags, va_list rest) {
    return (flags & (O_CREAT | O_TMPFILE)) ? (mode_t)va_arg(rest, int) : 0;
}

#define OPEN(name)                                                                                 \
    int name(const char *path, int flags, ...) {                                                   \
        va_list rest;                                                                              \
        va_start(rest, flags);                                                                     \
        mode_t mode = mode_of(flags, rest);                                                        \
        va_end(rest);                                                                              \
        return opened(AT_FDCWD, path, flags, mode);                                                \
    }
#define OPENAT(name)                                                                               \
    int name(int folder, const char *path, int flags, ...) {                                       \
        va_list rest;                                                                              \
        va_start(rest, flags);                                                                     \
        mode_t mode = mode_of(flags, rest);                                                        \
        va_end(rest);                                                                              \
        return opened(folder, path, flags, mode);                                                  \
    }
OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)

int close(int fd) {
    pthread_mutex_lock(&lock);
    if (fd >= 0 && fd < FILES && paths[fd]) {
        free(paths[fd]);
        paths[fd] = NULL;
    }
    pthread_mutex_unlock(&lock);
    return (int)syscall(SYS_close, fd);
}

static ssize_t written(int fd, const void *data, size_t bytes, int64_t offset, int is_placed) {
    const char *path = path_of(fd);
    if (!path)
        return is_placed ? syscall(SYS_pwrite64, fd, data, bytes, offset)
                         : syscall(SYS_write, fd, data, bytes);
    if (fails(FAIL_WRITE)) return -1;
    pthread_mutex_lock(&lock);
    if (!is_placed) {
        int flags = fcntl(fd, F_GETFL);
        struct stat found;
        offset = (flags & O_APPEND) && !fstat(fd, &found) ? found.st_size : lseek(fd, 0, SEEK_CUR);
    }
    ssize_t done = is_placed ? syscall(SYS_pwrite64, fd, data, bytes, offset)
                             : syscall(SYS_write, fd, data, bytes);
    int before = errno;
    if (done > 0) note(WRITE, path, offset, data, (size_t)done);
    pthread_mutex_unlock(&lock);
    errno = before;
    return done;
}

ssize_t write(int fd, const void *data, size_t bytes) { return written(fd, data, bytes, 0, 0); }
ssize_t pwrite(int fd, const void *data, size_t bytes, off_t offset) {
    return written(fd, data, bytes, offset, 1);
}
ssize_t pwrite64(int fd, const void *data, size_t bytes, off64_t offset) {
    return written(fd, data, bytes, offset, 1);
}

static int failed_read(int fd) { return path_of(fd) && fails(FAIL_READ); }
ssize_t read(int fd, void *data, size_t bytes) {
    return failed_read(fd) ? -1 : syscall(SYS_read, fd, data, bytes);
}
ssize_t pread(int fd, void *data, size_t bytes, off_t offset) {
    return failed_read(fd) ? -1 : syscall(SYS_pread64, fd, data, bytes, offset);
}
ssize_t pread64(int fd, void *data, size_t bytes, off64_t offset) {
    return failed_read(fd) ? -1 : syscall(SYS_pread64, fd, data, bytes, offset);
}

static int synced(int fd, long call) {
    const char *path = path_of(fd);
    if (!path) return (int)syscall(call, fd);
    pthread_mutex_lock(&lock);
    note(SYNC_BEGAN, path, 0, NULL, 0);
    int is_owed = fd < FILES && owes[fd];
    if (is_owed) owes[fd] = 0, errno = EIO;
    pthread_mutex_unlock(&lock);
    int answer = is_owed || fails(FAIL_SYNC) ? -1 : (int)syscall(call, fd);
    int before = errno;
    pthread_mutex_lock(&lock);
    /* As Linux does: whoever has the file open is told once of a sync that failed. */
    for (int other = 0; answer && !is_owed && other < FILES; other++)
        if (other != fd && paths[other] && !strcmp(paths[other], path)) owes[other] = 1;
    note(answer ? SYNC_FAILED : SYNC_DONE, path, 0, NULL, 0);
    pthread_mutex_unlock(&lock);
    errno = before;
    return answer;
}
int fsync(int fd) { return synced(fd, SYS_fsync); }
int fdatasync(int fd) { return synced(fd, SYS_fdatasync); }

static int cut(int fd, int64_t size) {
    const char *path = path_of(fd);
    if (!path) return (int)syscall(SYS_ftruncate, fd, size);
    if (fails(FAIL_WRITE)) return -1;
    pthread_mutex_lock(&lock);
    int answer = (int)syscall(SYS_ftruncate, fd, size);
    int before = errno;
    if (!answer) note(TRUNCATE, path, size, NULL, 0);
    pthread_mutex_unlock(&lock);
    errno = before;
    return answer;
}
int ftruncate(int fd, off_t size) { return cut(fd, size); }
int ftruncate64(int fd, off64_t size) { return cut(fd, size); }

static int removed(int folder, const char *name, int flags) {
    char path[PATH_MAX];
    if (!absolute(folder, name, path) || !is_watched(path))
        return (int)syscall(SYS_unlinkat, folder, name, flags);
    pthread_mutex_lock(&lock);
    int answer = (int)syscall(SYS_unlinkat, folder, name, flags);
    int before = errno;
    if (!answer) note(REMOVE, path, 0, NULL, 0);
    pthread_mutex_unlock(&lock);
    errno = before;
    return answer;
}
int unlink(const char *name) { return removed(AT_FDCWD, name, 0); }
int unlinkat(int folder, const char *name, int flags) { return removed(folder, name, flags); }
int rmdir(const char *name) { return removed(AT_FDCWD, name, AT_REMOVEDIR); }

static int renamed(int from_folder, const char *from, int to_folder, const char *to) {
    char old[PATH_MAX], new[PATH_MAX];
    int is_ours = absolute(from_folder, from, old) && absolute(to_folder, to, new) &&
                  is_watched(old) && is_watched(new);
    if (!is_ours) return (int)syscall(SYS_renameat, from_folder, from, to_folder, to);
    pthread_mutex_lock(&lock);
    int answer = (int)syscall(SYS_renameat, from_folder, from, to_folder, to);
    int before = errno;
    if (!answer) note(RENAME, old, 0, new, strlen(new));
    pthread_mutex_unlock(&lock);
    errno = before;
    return answer;
}
int rename(const char *from, const char *to) { return renamed(AT_FDCWD, from, AT_FDCWD, to); }
int renameat(int from_folder, const char *from, int to_folder, const char *to) {
    return renamed(from_folder, from, to_folder, to);
}

static int made(int folder, const char *name, mode_t mode) {
    char path[PATH_MAX];
    int is_ours = absolute(folder, name, path) && is_watched(path);
    if (!is_ours) return (int)syscall(SYS_mkdirat, folder, name, mode);
    if (fails(FAIL_OPEN)) return -1;
    pthread_mutex_lock(&lock);
    int answer = (int)syscall(SYS_mkdirat, folder, name, mode);
    int before = errno;
    if (!answer) note(FOLDER, path, 0, NULL, 0);
    pthread_mutex_unlock(&lock);
    errno = before;
    return answer;
}
int mkdir(const char *name, mode_t mode) { return made(AT_FDCWD, name, mode); }
int mkdirat(int folder, const char *name, mode_t mode) { return made(folder, name, mode); }
