"""A PostgreSQL server of a test's own: on loopback at a free port, in a temporary folder, ended with
the `with` block. As root it runs as user postgres, because PostgreSQL refuses root."""
import glob
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time


def bin_folder():
    """Returns the newest installed server's programs, or None."""
    found = glob.glob("/usr/lib/postgresql/*/bin")
    found = [path for path in found if os.path.exists(os.path.join(path, "initdb"))]
    return max(found, key=lambda path: int(path.split("/")[4])) if found else None


class PostgresServer:
    """durable: commits are flushed to the disk, as on a real server."""

    def __init__(self, bins=None, durable=False):
        self.bins = bins or bin_folder()
        self.fsync = "on" if durable else "off"
        self.folder = tempfile.mkdtemp(prefix="rowseal-server-")
        self.data = os.path.join(self.folder, "data")
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            self.port = listener.getsockname()[1]
        self.process = None

    def command(self, name, *arguments):
        command = [os.path.join(self.bins, name), *arguments]
        if os.geteuid() == 0:
            command = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", *command]
        return command

    def __enter__(self):
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(self.folder, user.pw_uid, user.pw_gid)
        subprocess.run(self.command("initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-E",
                                    "UTF8", "--locale=C.UTF-8", "--no-sync"),
                       check=True, stdout=subprocess.DEVNULL)
        with open(os.path.join(self.folder, "log"), "wb") as log:
            self.process = subprocess.Popen(
                self.command("postgres", "-D", self.data, "-p", str(self.port), "-k", self.folder,
                             "-c", "listen_addresses=127.0.0.1", "-c", "fsync=" + self.fsync),
                stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        for _ in range(300):
            if subprocess.run(["pg_isready", "-q", *self.flags()], check=False).returncode == 0:
                return self
            time.sleep(0.1)
        raise RuntimeError("the server does not start")

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def flags(self):
        return ["-h", "127.0.0.1", "-p", str(self.port)]

    def environment(self, user):
        """What libpq needs to find the server."""
        return {"PGHOST": "127.0.0.1", "PGPORT": str(self.port), "PGUSER": user}

    def run(self, sql, database="postgres"):
        subprocess.run(["psql", "-X", "-q", *self.flags(), "-U", "postgres", "-d", database, "-v",
                        "ON_ERROR_STOP=1", "-c", sql], check=True)
