#!/bin/sh
# bin/mpirun and bin/orted of a package (docs/package.md): Open MPI's own programs, told where the
# package lies. LD_LIBRARY_PATH stays as it is, or srun and ssh would get the package's libraries.
self=$(readlink -f "$0" 2>/dev/null || echo "$0")
root=$(cd "${self%/*}/.." && pwd -P) || exit 1

# The same as package_settings() in framework/comm/launch_environment.cpp
export OPAL_PREFIX="$root" OPAL_PKGLIBDIR="$root/lib/openmpi" OPAL_SYSCONFDIR="$root/etc"
export PMIX_PREFIX="$root" PMIX_PKGLIBDIR="$root/lib/pmix" PMIX_SYSCONFDIR="$root/etc"
export PMIX_PKGDATADIR="$root/share/pmix"

# Other hosts start the orted of the same folder, or that of --prefix, which sets LD_LIBRARY_PATH.
case "${self##*/} $* " in
  orted\ * | *" --prefix "*) ;;
  *)
    export OMPI_MCA_orte_launch_agent="${OMPI_MCA_orte_launch_agent-$root/bin/orted}"
    set -- --noprefix "$@"
    ;;
esac
# Open MPI 4.1 refuses to start even ranks of this host where there is no ssh.
if ! command -v ssh >/dev/null && ! command -v rsh >/dev/null; then
  export OMPI_MCA_plm="${OMPI_MCA_plm-^rsh}"
fi
exec "$root/libexec/${self##*/}" "$@"
