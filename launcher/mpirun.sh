#!/bin/sh
# bin/mpirun and bin/orted of a package (docs/package.md): start Open MPI's own programs with the
# package's location. LD_LIBRARY_PATH is not changed, since srun and ssh would then load the
# package's libraries.
self=$(readlink -f "$0" 2>/dev/null || echo "$0")
root=$(cd "${self%/*}/.." && pwd -P) || exit 1

# The same as package_settings() in framework/comm/launch_environment.cpp
export OPAL_PREFIX="$root" OPAL_PKGLIBDIR="$root/lib/openmpi" OPAL_SYSCONFDIR="$root/etc"
export PMIX_PREFIX="$root" PMIX_PKGLIBDIR="$root/lib/pmix" PMIX_SYSCONFDIR="$root/etc"
export PMIX_PKGDATADIR="$root/share/pmix"

# Other hosts start the orted in the same folder, or the one of --prefix, which sets
# LD_LIBRARY_PATH.
case "${self##*/} $* " in
  orted\ * | *" --prefix "*) ;;
  *)
    export OMPI_MCA_orte_launch_agent="${OMPI_MCA_orte_launch_agent-$root/bin/orted}"
    set -- --noprefix "$@"
    ;;
esac
# Without ssh, Open MPI 4.1 refuses to start even ranks on this host.
if ! command -v ssh >/dev/null && ! command -v rsh >/dev/null; then
  export OMPI_MCA_plm="${OMPI_MCA_plm-^rsh}"
fi
exec "$root/libexec/${self##*/}" "$@"
