// SPDX-License-Identifier: GPL-2.0
/*
 * py PROGRAM [ARG]...: what "python3 PROGRAM [ARG]..." does, without a start of Python: it is run
 * by a fork of py.py, which is started by the first who asks.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define SERVER "/payload/tests/guest/prog/py.py"
#define NAME "\0hartwell-py"
#define TRIES 3000

static int sock;
static volatile sig_atomic_t last;

/* The fork is in no process group that the caller knows: it is told what we are told. */
static void forward(int sig)
{
	unsigned char byte = sig;

	last = sig;
	send(sock, &byte, 1, MSG_NOSIGNAL);
}

static void start_server(void)
{
	int null;

	if (fork())
		return;
	setsid();
	null = open("/dev/null", O_RDWR);
	dup2(null, 0);
	dup2(null, 1);
	dup2(open("/run/hwlab/py.log", O_WRONLY | O_CREAT | O_APPEND, 0644), 2);
	closefrom(3);
	execl("/usr/bin/python3", "python3", SERVER, NULL);
	_exit(127);
}

static int reach_server(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	socklen_t len = offsetof(struct sockaddr_un, sun_path) + sizeof(NAME) - 1;
	int n;

	memcpy(addr.sun_path, NAME, sizeof(NAME) - 1);
	sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	for (n = 0; n < TRIES; n++) {
		if (!connect(sock, (struct sockaddr *)&addr, len))
			return 0;
		if (errno != ECONNREFUSED)
			break;
		if (!n)
			start_server();
		usleep(10000);
	}
	return -1;
}

static int ask(void)
{
	int fds[3] = { 0, 1, 2 };
	char control[CMSG_SPACE(sizeof(fds))] = { 0 };
	struct iovec data = { "", 1 };
	struct msghdr msg = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = control,
			      .msg_controllen = sizeof(control) };
	struct cmsghdr *part = CMSG_FIRSTHDR(&msg);

	part->cmsg_level = SOL_SOCKET;
	part->cmsg_type = SCM_RIGHTS;
	part->cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(part), fds, sizeof(fds));
	return sendmsg(sock, &msg, MSG_NOSIGNAL) == 1 ? 0 : -1;
}

int main(int argc, char **argv)
{
	static const int forwarded[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2 };
	struct sigaction action = { .sa_handler = forward };
	unsigned char status;
	ssize_t n;
	size_t i;

	if (argc < 2 || reach_server() || ask()) {
		perror(argv[0]);
		return 126;
	}
	for (i = 0; i < sizeof(forwarded) / sizeof(forwarded[0]); i++)
		sigaction(forwarded[i], &action, NULL);
	do {
		n = recv(sock, &status, 1, 0);
	} while (n < 0 && errno == EINTR);
	if (n == 1)
		return status;
	/* It did not say how it ended: by a signal, ours if there was one. */
	signal(last ? last : SIGKILL, SIG_DFL);
	raise(last ? last : SIGKILL);
	return 126;
}
