// A disk that keeps nothing but what was synced. Loaded before the C library (LD_PRELOAD), it notes at each sync what
// the file holds then: after a power cut that is all there is. Without a power cut nobody sees a difference.

#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
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

// Copies what `fd` holds to the folder DISK_KEEPS, in one step, if it lies in the folder DISK_LIES.
static void keep(int fd) {
  const char *lies = getenv("DISK_LIES"), *keeps = getenv("DISK_KEEPS");
  char link[64], path[PATH_MAX], fresh[PATH_MAX], kept[PATH_MAX], bytes[1 << 16];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0 || !lies || !keeps) return;
  path[length] = 0;
  if (!strcmp(path, lies)) return keep_deletions(lies, keeps);
  size_t prefix = strlen(lies);
  if (strncmp(path, lies, prefix) || path[prefix] != '/' || strchr(path + prefix + 1, '/')) return;
  snprintf(kept, sizeof kept, "%s%s", keeps, path + prefix);
  snprintf(fresh, sizeof fresh, "%s.%ld", kept, (long)syscall(SYS_gettid));
  int from = open(path, O_RDONLY), to = open(fresh, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  for (ssize_t count; from >= 0 && to >= 0 && (count = read(from, bytes, sizeof bytes)) > 0;) {
    if (write(to, bytes, count) != count) abort();
  }
  if (from >= 0) close(from);
  if (to < 0 || close(to) || rename(fresh, kept)) abort();
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
