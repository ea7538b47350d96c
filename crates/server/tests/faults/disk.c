// A disk that may lose its power, and may be full. Loaded before the C library (LD_PRELOAD).
//
// It keeps nothing but what was synced: it notes at each sync what the file holds then, and after a power cut that is all
// there is. Without a power cut nobody sees a difference. While the file DISK_FULL is there, it takes no more: a write
// comes through in part, as the last one on a full disk may, and then not at all.

#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

// The folder itself was synced: what has been deleted there stays deleted.
static void keep_deletions(const char *lies, const char *keeps) {
  char path[PATH_MAX], kept[PATH_MAX];
  DIR *folder = opendir(keeps);
  for (struct dirent *entry; folder && (entry = readdir(folder));) {
    snprintf(path, sizeof path, "%s/%s", lies, entry->d_name);
    snprintf(kept, sizeof kept, "%s/%s", keeps, entry->d_name);
    if (entry->d_type == DT_REG && access(path, F_OK)) unlink(kept);
  }
  if (folder) closedir(folder);
}

// The path of what `fd` is, and where in it its name in the folder DISK_LIES begins, the folder's own is empty; NULL if it
// is neither.
static const char *name(int fd, char path[PATH_MAX]) {
  const char *lies = getenv("DISK_LIES");
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, PATH_MAX - 1);
  if (length < 0 || !lies) return NULL;
  path[length] = 0;
  size_t prefix = strlen(lies);
  if (strncmp(path, lies, prefix)) return NULL;
  const char *name = path + prefix;
  return !*name || (*name == '/' && !strchr(name + 1, '/')) ? name : NULL;
}

// Copies what `fd` holds to the folder DISK_KEEPS, in one step, if it lies in the folder DISK_LIES.
static void keep(int fd) {
  const char *lies = getenv("DISK_LIES"), *keeps = getenv("DISK_KEEPS");
  char path[PATH_MAX], fresh[PATH_MAX], kept[PATH_MAX], bytes[1 << 16];
  const char *file = keeps ? name(fd, path) : NULL;
  if (!file) return;
  if (!*file) return keep_deletions(lies, keeps);
  snprintf(kept, sizeof kept, "%s%s", keeps, file);
  snprintf(fresh, sizeof fresh, "%s.%ld", kept, (long)syscall(SYS_gettid));
  int from = open(path, O_RDONLY), to = open(fresh, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  for (ssize_t count; from >= 0 && to >= 0 && (count = read(from, bytes, sizeof bytes)) > 0;) {
    if (write(to, bytes, count) != count) abort();
  }
  if (from >= 0) close(from);
  if (to < 0 || close(to) || rename(fresh, kept)) abort();
}

// How many of so many bytes come through to `fd`.
static size_t room(int fd, size_t count) {
  const char *full = getenv("DISK_FULL");
  char path[PATH_MAX];
  return full && !access(full, F_OK) && name(fd, path) ? count / 2 : count;
}

ssize_t write(int fd, const void *bytes, size_t count) {
  ssize_t (*real)(int, const void *, size_t) = (ssize_t(*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
  size_t some = room(fd, count);
  if (some || !count) return real(fd, bytes, some);
  errno = ENOSPC;
  return -1;
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t at) {
  ssize_t (*real)(int, const void *, size_t, off64_t) =
      (ssize_t(*)(int, const void *, size_t, off64_t))dlsym(RTLD_NEXT, "pwrite64");
  size_t some = room(fd, count);
  if (some || !count) return real(fd, bytes, some, at);
  errno = ENOSPC;
  return -1;
}

int fsync(int fd) {
  int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
  int failed = real(fd);
  if (!failed) keep(fd);
  return failed;
}

int fdatasync(int fd) {
  int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
  int failed = real(fd);
  if (!failed) keep(fd);
  return failed;
}
