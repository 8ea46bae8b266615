/* ow-cni --install DIRECTORY TYPE…: puts this executable under the names of all the types it serves. */
#ifndef OW_INSTALL_H
#define OW_INSTALL_H

/* The exit code. Says on stderr what failed. */
int install(const char *path, char *const types[]);

#endif
